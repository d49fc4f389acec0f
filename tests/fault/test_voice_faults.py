"""A voice that is missing, hangs, dies or babbles: killed, started again once, then told."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import espeakng_loader
import pytest

from assistant.errors import DependencyError, SpeechError
from assistant.speech import frames
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.system_voice import SystemVoiceSynthesiser
from assistant.speech.worker import VoiceProcess

START_S = 60.0  # a busy machine may take long to start Python; no test waits for it in vain


def script(tmp_path: Path, body: str) -> tuple[str, ...]:
    """A voice process that is ready, then does `body` for each request."""
    path = tmp_path / "voice.py"
    path.write_text(
        "import os, pathlib, sys, threading\n"
        "from assistant.speech import frames\n"
        f"mark = pathlib.Path({str(tmp_path / 'started')!r})\n"
        "first = not mark.exists()\n"
        "mark.touch()\n"
        "out = sys.stdout.buffer\n"
        "frames.write_frame(out, frames.READY)\n"
        "while frames.read_frame(sys.stdin.buffer):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    )
    return (sys.executable, str(path))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_voice_killed_in_between_is_started_again() -> None:
    voice = EspeakSynthesiser(timeout_s=20)
    before, pid = voice.synthesise("Smiling."), voice.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    after = voice.synthesise("Smiling.")
    assert after.pcm.tolist() == before.pcm.tolist()
    assert voice.pid != pid
    voice.close()
    assert gone(pid)


ANSWER = "frames.write_frame(out, frames.AUDIO, frames.RATE.pack(8000) + b'ok')"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("threading.Event().wait()", "gave no answer within 0.3 s"),
        ("os._exit(3)", "ended unexpectedly"),
        ("out.write(b'A\\0\\0\\0\\7abc'); out.flush(); os._exit(0)", "ended unexpectedly"),
        ("out.write(b'what is this, a printed warning?'); out.flush(); os._exit(0)", "ended unexpectedly"),
    ],
    ids=["hangs", "dies", "dies mid-utterance", "babbles"],
)
class TestFaults:
    def test_once_is_healed(self, tmp_path: Path, fault: str, why: str) -> None:
        command = script(tmp_path, f"if first:\n    {fault}\n{ANSWER}")
        process = VoiceProcess("test", command, timeout_s=0.3, start_timeout_s=START_S, recover_s=START_S)
        pid = process.pid
        assert process.ask(frames.SPEAK, b"x")[frames.RATE.size :] == b"ok"
        process.close()
        assert pid is not None
        assert gone(pid)

    def test_twice_is_told(self, tmp_path: Path, fault: str, why: str) -> None:
        process = VoiceProcess(
            "test", script(tmp_path, fault), timeout_s=0.3, start_timeout_s=START_S, recover_s=START_S
        )
        with pytest.raises(SpeechError, match=f"test cannot be used: {why}, twice in a row"):
            process.ask(frames.SPEAK, b"x")
        assert process.pid is None
        process.close()


def test_a_new_process_that_is_slow_to_start_does_not_keep_the_loop_waiting(tmp_path: Path) -> None:
    """The question fails within its time; a later one finds the process ready."""
    gate = tmp_path / "gate"
    body = f"import os\nopen({str(gate)!r}).close()\nos.utime({str(gate)!r})"
    os.mkfifo(gate)
    command = script(tmp_path, ANSWER)
    slow = (tmp_path / "voice.py").read_text().replace("frames.write_frame(out, frames.READY)", body, 1)
    process = VoiceProcess("test", command, timeout_s=20, start_timeout_s=START_S, recover_s=0.3)
    pid = process.pid
    (tmp_path / "voice.py").write_text(slow.replace(body, body + "\nframes.write_frame(out, frames.READY)"))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SpeechError, match="it is still starting"):
        process.ask(frames.SPEAK, b"x")
    starting = process.pid
    gate.open("w").close()  # a reader has come: now it goes on
    process._recover_s = START_S
    assert process.ask(frames.SPEAK, b"x")[frames.RATE.size :] == b"ok"
    assert process.pid == starting
    process.close()


def test_a_voice_that_refuses_is_not_restarted(tmp_path: Path) -> None:
    command = script(tmp_path, "frames.write_frame(out, frames.FAILED, b'it returned error 7')")
    process = VoiceProcess("test", command, timeout_s=20, start_timeout_s=START_S, recover_s=START_S)
    pid = process.pid
    with pytest.raises(SpeechError, match="it returned error 7"):
        process.ask(frames.SPEAK, b"x")
    assert process.pid == pid
    process.close()


def test_a_voice_that_never_gets_ready_is_told() -> None:
    command = (sys.executable, "-c", "import threading; threading.Event().wait()")
    with pytest.raises(SpeechError, match=r"gave no answer within 0\.2 s"):
        VoiceProcess("test", command, start_timeout_s=0.2)


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="cannot be started"):
        VoiceProcess("test", (str(tmp_path / "none"),))


def test_ctrl_c_does_not_reach_the_voice() -> None:
    voice = EspeakSynthesiser(timeout_s=20)
    assert voice.pid is not None
    assert os.getpgid(voice.pid) != os.getpgid(0)
    voice.close()


@pytest.mark.parametrize(
    ("opener", "package", "line"),
    [
        (EspeakSynthesiser, "espeakng_loader", "pip install espeakng-loader"),
        (SystemVoiceSynthesiser, "pyttsx3", 'pip install "facecue[pyttsx3]"'),
    ],
)
def test_a_missing_package_is_told_with_its_install_line(
    monkeypatch: pytest.MonkeyPatch, opener: Callable[[], object], package: str, line: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(DependencyError) as caught:
        opener()
    assert line in caught.value.remedy


def test_damaged_voice_data_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(SpeechError, match=r"its data in .* cannot be read"):
        EspeakSynthesiser()


def test_a_missing_library_or_data_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "none.so"))
    with pytest.raises(SpeechError, match=r"none\.so cannot be loaded"):
        EspeakSynthesiser()

    def missing() -> str:
        raise RuntimeError("data path not exists")

    monkeypatch.setattr(espeakng_loader, "get_data_path", missing)
    with pytest.raises(SpeechError, match="voice data") as caught:
        EspeakSynthesiser()
    assert "pip install" in caught.value.remedy
