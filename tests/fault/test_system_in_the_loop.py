"""A system that fails around the program: a full disk, no memory, damaged settings, an end in the middle of words."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.camera import overlay
from assistant.errors import OutputError
from assistant.speech.transcript import Transcript
from assistant.types import Frame
from tests.app_builders import call, face, face_clip, started, tiny_models, use_models
from tests.fault_builders import BUSY_S, Do, Mark, Room, shots


@pytest.fixture
def room(room: Room) -> Room:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    return room


def test_a_disk_that_fills_up_is_said_once_and_the_wearer_goes_on_hearing(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str) -> Callable[..., None]:
        def write(*_: Any) -> None:
            raise OutputError(f"{name} cannot be written: No space left on device.", "Free some space.")

        return write

    def fill() -> None:
        monkeypatch.setattr(Transcript, "spoken", full("t.jsonl"))
        monkeypatch.setattr(Transcript, "suppressed", full("t.jsonl"))
        monkeypatch.setattr(overlay.OverlayVideo, "write", full("o.avi"))

    began = Mark(room.clock)
    script = [Do(began), Do(fill), *shots(10, size=(640, 480))]
    outcome = room.run(*script, transcript=tmp_path / "t.jsonl", overlay=tmp_path / "o.avi")
    assert isinstance(outcome.error, OutputError), "told again by the exit status, after the run"
    assert outcome.words().count("I cannot save that.") == 1, "of two outputs"
    at_s = next(at_s for at_s, words in outcome.heard if words == "I cannot save that.")
    assert at_s - began.at_s <= 2.0
    assert any("person" in words for words in outcome.words()), outcome.heard
    for name in ("t.jsonl", "o.avi"):
        assert outcome.logged.count(f"Facecue: {name} cannot be written: No space left on device.") == 1
    assert outcome.health.problems[0].stage == "output"


def test_a_frame_for_which_there_is_no_memory_is_passed_over(room: Room) -> None:
    def scarce(frame: Frame) -> Any:
        if 20 <= frame.index < 25:
            raise MemoryError
        return (face(left=20.0, width=24.0),)

    room.faces = scarce
    outcome = room.run(*shots(10))
    assert outcome.error is None
    assert outcome.report["frames"] >= 90
    assert outcome.words() == ["One person, close, ahead, facing you."]
    assert outcome.logged == ""


def test_no_memory_for_long_is_given_up_in_words(room: Room) -> None:
    def none(frame: Frame) -> Any:
        raise MemoryError

    room.faces = none
    outcome = room.run(*shots(10))
    assert outcome.error is not None
    assert "memory" in str(outcome.error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[speech\nvoice = 'en'", "not valid TOML"),
        (b"\xff\xfe\x00\x01", "not UTF-8"),
        (b"[speech]\nverbosity = 99\n", "line 2"),
        (b"[speach]\n", "nearest"),
    ],
    ids=["cut off", "another encoding", "a value", "a section"],
)
def test_damaged_settings_are_named_and_left_as_they_are(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    status, _, err = call("run", "--settings", path, "--source", "demo", "--mute", "--speed", "max")
    assert status == 2
    assert words in err
    assert "Traceback" not in err
    assert path.read_bytes() == content


def test_a_polite_end_in_the_middle_of_words_is_quick_and_complete(tmp_path: Path) -> None:
    models, clip = tiny_models(tmp_path / "installed"), face_clip(tmp_path / "c.mp4", 30.0)
    said = tmp_path / "t.jsonl"
    own = tmp_path / "settings.toml"
    own.write_text("[speech]\nwords_per_minute = 80\n", encoding="utf-8")  # five words last four seconds
    with started(models, "run", "--settings", own, "--source", clip, "--mute", "--transcript", said) as process:
        assert "person" in process.stdout.readline()
        start_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert time.monotonic() - start_s <= 2.0 + BUSY_S
    assert process.returncode == 143
    assert err == ""
    assert own.read_text(encoding="utf-8") == "[speech]\nwords_per_minute = 80\n"
    assert all(json.loads(line) for line in said.read_text(encoding="utf-8").splitlines())


WRONG = "Settings file wrong; earlier settings stay."


def test_settings_damaged_while_it_runs_are_told_once_within_two_seconds(tmp_path: Path) -> None:
    models, clip = tiny_models(tmp_path / "installed"), face_clip(tmp_path / "c.mp4", 30.0)
    own, damaged = tmp_path / "settings.toml", b"[speech\nverbosity = \xff"
    own.write_text("[speech]\nverbosity = 3\n", encoding="utf-8")
    with started(models, "run", "--settings", own, "--source", clip, "--mute") as process:
        assert "person" in process.stdout.readline()
        own.write_bytes(damaged)
        start_s = time.monotonic()
        heard = [process.stdout.readline()]
        while WRONG not in heard[-1]:
            assert heard[-1], "it goes on"
            heard.append(process.stdout.readline())
        took_s = time.monotonic() - start_s
        time.sleep(1.0)  # long enough for four more looks at the file
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert took_s <= 2.0 + 2.0 + BUSY_S  # the words before it are let out
    assert WRONG not in out, "told once"
    assert err.count(str(own)) == 1
    assert "Traceback" not in err
    assert own.read_bytes() == damaged, "left for its owner to mend"
    assert "verbosity = 3" in own.with_name("settings.last-good.toml").read_text(encoding="utf-8")


def test_a_wrong_file_of_ones_own_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, clip = tiny_models(tmp_path / "installed"), face_clip(tmp_path / "c.mp4", 3.0)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "facecue" / "settings.toml"
    own.parent.mkdir()
    own.write_bytes(b"[speech\n")
    with started(models, "run", "--source", clip, "--mute") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.count(WRONG) == 1
    assert "One person" in out
    assert err.count(str(own)) == 1
    assert own.read_bytes() == b"[speech\n"


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """They share the file of measured back ends and nothing else."""
    models, clip = tiny_models(tmp_path / "installed"), face_clip(tmp_path / "c.mp4", 2.0)
    options = ("run", "--source", clip, "--mute", "--speed", "max", "--json", "--transcript")
    with started(models, *options, tmp_path / "1.jsonl") as one, started(models, *options, tmp_path / "2.jsonl") as two:
        results = [process.communicate(timeout=120) for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], results
    assert (tmp_path / "1.jsonl").read_text() == (tmp_path / "2.jsonl").read_text() != ""


def test_a_cache_on_a_full_disk_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_models(monkeypatch, tiny_models(tmp_path / "installed"))
    clip = face_clip(tmp_path / "c.mp4", 1.0)
    write = Path.write_text

    def full(path: Path, *arguments: Any, **options: Any) -> int:
        if path.suffix == ".part":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    status, out, err = call("run", "--source", clip, "--mute", "--speed", "max")
    assert status == 0, err
    assert "person" in out
