"""Sound outputs, with stand-ins for PortAudio and for the programs: no sound is made."""

from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import SpeechError
from assistant.speech import players
from assistant.speech.players import CommandPlayer, SilentPlayer, SoundDevicePlayer, describe_sound, open_player
from assistant.types import Speech

SOUND = Speech(np.arange(1, 1_001, dtype=np.int16), 22_050)


class PortAudioError(Exception):
    pass


class Stream:
    def __init__(self, samplerate: int, callback: Any, **options: Any) -> None:
        self.samplerate, self.callback, self.options = samplerate, callback, options
        self.active = self.closed = False
        self.broken = False

    def start(self) -> None:
        if self.broken:
            raise PortAudioError("Device unavailable")
        self.active = True

    def abort(self) -> None:
        if self.broken:
            raise PortAudioError("Device unavailable")
        self.active = False

    def close(self, ignore_errors: bool) -> None:
        self.closed = ignore_errors

    def fetch(self, frames: int) -> list[int]:
        out = memoryview(bytearray(b"\xaa" * 2 * frames))
        self.callback(out, frames, None, None)
        return np.frombuffer(out, "<i2").tolist()


class Library(types.SimpleNamespace):
    """Stand in for the module sounddevice."""

    PortAudioError = PortAudioError

    def __init__(self, device: bool = True) -> None:
        super().__init__()
        self.streams: list[Stream] = []
        self.device = device

    def query_devices(self, kind: str) -> None:
        if not self.device:
            raise PortAudioError("Error querying device -1")

    def RawOutputStream(self, **options: Any) -> Stream:  # noqa: N802
        if not self.device:
            raise PortAudioError("Error querying device -1")
        self.streams.append(Stream(**options))
        return self.streams[-1]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    return library


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{shutil.which('sh', path='/bin:/usr/bin')}\n{body}\n")
    path.chmod(0o755)


def without_portaudio(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise error

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])


# PortAudio


def test_samples_are_fetched_in_order_and_followed_by_silence(library: Library) -> None:
    player = SoundDevicePlayer()
    player.play(SOUND)
    stream = library.streams[0]
    assert stream.active
    assert stream.options == {"channels": 1, "dtype": "int16", "latency": "low"}
    assert player.busy
    assert stream.fetch(600) == list(range(1, 601))
    assert stream.fetch(600) == [*range(601, 1_001), *[0] * 200]
    assert not player.busy
    assert stream.fetch(2) == [0, 0]


def test_the_stream_stays_open_for_the_next_words(library: Library) -> None:
    player = SoundDevicePlayer()
    player.play(SOUND)
    player.play(SOUND)
    assert len(library.streams) == 1
    player.play(Speech(SOUND.pcm, 16_000))
    assert [(stream.samplerate, stream.closed) for stream in library.streams] == [(22_050, True), (16_000, False)]
    player.close()
    player.close()
    assert library.streams[1].closed


def test_stop_silences_at_once(library: Library) -> None:
    player = SoundDevicePlayer()
    player.stop()
    player.play(SOUND)
    player.stop()
    assert not player.busy
    assert not library.streams[0].active
    assert library.streams[0].fetch(2) == [0, 0]
    player.play(SOUND)
    assert library.streams[0].active


def test_a_device_lost_while_running_is_told_and_tried_again(library: Library) -> None:
    player = SoundDevicePlayer()
    player.play(SOUND)
    library.device = False
    library.streams[0].active, library.streams[0].broken = False, True
    player.play(SOUND)
    assert player.trouble() == "PortAudio: Device unavailable"
    assert player.trouble() is None
    player.play(SOUND)
    assert player.trouble() == "PortAudio: Error querying device -1"
    library.device = True
    player.play(SOUND)
    assert player.trouble() is None
    library.streams[-1].broken = True
    player.stop()
    assert player.trouble() is not None


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(OSError("PortAudio library not found"), "libportaudio2"), (ImportError("none"), "pip install sounddevice")],
)
def test_missing_portaudio_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, error: Exception, remedy: str
) -> None:
    without_portaudio(monkeypatch, error)
    with pytest.raises(SpeechError) as caught:
        SoundDevicePlayer()
    assert remedy in caught.value.remedy


def test_a_machine_without_a_sound_device_is_told(library: Library) -> None:
    library.device = False
    with pytest.raises(SpeechError, match="no sound output"):
        SoundDevicePlayer()


# Programs


@pytest.mark.parametrize("name", ["aplay", "paplay"])
def test_a_program_gets_the_samples_and_their_rate(programs: Path, name: str) -> None:
    program(programs, name, f'echo "$@" > {programs}/args; /bin/cat > {programs}/samples')
    player = CommandPlayer(name)
    player.play(SOUND)
    assert player.busy or (programs / "samples").exists()
    assert player._process is None or player._process.wait(timeout=60) == 0
    assert not player.busy
    assert player.trouble() is None
    assert (programs / "samples").read_bytes() == SOUND.pcm.tobytes()
    assert "22050" in (programs / "args").read_text()
    player.close()


def test_stop_kills_the_program_and_that_is_no_trouble(programs: Path) -> None:
    program(programs, "aplay", f"[ -e {programs}/probed ] && exec /bin/sleep 600; > {programs}/probed; exec /bin/cat")
    player = CommandPlayer("aplay")
    player.play(SOUND)
    process = player._process
    assert process is not None
    assert player.busy
    player.stop()
    assert process.returncode == -9
    assert not player.busy
    assert player.trouble() is None


def test_a_program_that_fails_later_is_told_once(programs: Path) -> None:
    program(programs, "aplay", f"[ -e {programs}/probed ] && exit 3; > {programs}/probed; exec /bin/cat")
    player = CommandPlayer("aplay")
    player.play(SOUND)
    assert player._process is not None
    player._process.wait(timeout=60)
    assert player.trouble() == "aplay ended with status 3"
    assert player.trouble() is None
    (programs / "aplay").unlink()
    player.play(SOUND)
    assert player.trouble() == "aplay: No such file or directory"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo 'audio open error: No such device' >&2; exit 1", "audio open error: No such device"),
        ("exit 1", "status 1"),
        ("exec /bin/sleep 600", "hangs"),
    ],
)
def test_a_program_without_a_sound_device_is_told(
    programs: Path, monkeypatch: pytest.MonkeyPatch, body: str, why: str
) -> None:
    monkeypatch.setattr(players, "_PROBE_S", 0.3 if "sleep" in body else 60.0)
    program(programs, "aplay", body)
    with pytest.raises(SpeechError, match=why):
        CommandPlayer("aplay")


def test_a_file_that_is_no_program_is_told(programs: Path) -> None:
    (programs / "aplay").write_bytes(b"\x7fELF nonsense")
    (programs / "aplay").chmod(0o755)
    with pytest.raises(SpeechError, match="cannot be run"):
        CommandPlayer("aplay")


def test_a_missing_program_is_told_with_the_remedy(programs: Path) -> None:
    with pytest.raises(SpeechError) as caught:
        CommandPlayer("aplay")
    assert "alsa-utils" in caught.value.remedy


# The choice


def test_portaudio_is_preferred(library: Library, programs: Path) -> None:
    player = open_player()
    assert player.describe() == ("sounddevice", "PortAudio found a sound output")


def test_without_portaudio_a_program_plays(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_portaudio(monkeypatch, OSError("PortAudio library not found"))
    program(programs, "paplay", "exec /bin/cat > /dev/null")
    assert open_player().describe() == ("paplay", "paplay reaches a sound device")


def test_without_anything_it_is_silent_and_says_why(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_portaudio(monkeypatch, OSError("PortAudio library not found"))
    player = open_player()
    name, reason = player.describe()
    assert name == "none"
    for cause in ("PortAudio is missing", "aplay is not installed", "paplay is not installed", "apt install"):
        assert cause in reason
    player.play(SOUND)
    player.stop()
    assert not player.busy
    assert player.trouble() is None
    player.close()


def test_one_output_can_be_asked_for(programs: Path, library: Library) -> None:
    assert open_player("aplay").describe()[0] == "none"
    assert "aplay is not installed" in open_player("aplay").describe()[1]
    assert isinstance(open_player("none"), SilentPlayer)
    with pytest.raises(ValueError, match="sounddevice"):
        open_player("loud")


def test_every_output_is_described(library: Library, programs: Path) -> None:
    program(programs, "paplay", "echo 'Connection refused' >&2; exit 1")
    assert describe_sound() == [
        ("sounddevice", True, "PortAudio found a sound output"),
        ("aplay", False, "aplay is not installed. Install it: `sudo apt install alsa-utils` on Debian."),
        ("paplay", False, "paplay cannot play: Connection refused. Check the sound device."),
    ]
