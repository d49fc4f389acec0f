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
from assistant.speech.mixer import LOWERED, Mixer
from assistant.speech.players import CommandPlayer, SilentPlayer, describe_sound, open_player
from assistant.speech.portaudio import SoundDevicePlayer
from assistant.types import Speech

SOUND = Speech(np.arange(1, 1_001, dtype=np.int16), 22_050)


class PortAudioError(Exception):
    pass


class Stream:
    def __init__(self, samplerate: int, callback: Any, **options: Any) -> None:
        self.samplerate, self.callback, self.options = samplerate, callback, options
        self.active = self.closed = False

    def start(self) -> None:
        self.active = True

    def close(self, ignore_errors: bool) -> None:
        self.closed = ignore_errors

    def fetch(self, frames: int) -> Any:
        out = memoryview(bytearray(b"\xaa" * 4 * frames))
        self.callback(out, frames, None, None)
        return np.frombuffer(out, "<i2").reshape(-1, 2)


class Library(types.SimpleNamespace):
    """Stand in for the module sounddevice."""

    PortAudioError = PortAudioError

    def __init__(self, device: bool = True) -> None:
        super().__init__()
        self.streams: list[Stream] = []
        self.device = device
        self.rates_hz = {22_050, 48_000}
        self.starts = 0

    def query_devices(self, kind: str) -> dict[str, float]:
        if not self.device:
            raise PortAudioError("Error querying device -1")
        return {"default_samplerate": float(max(self.rates_hz))}

    def RawOutputStream(self, **options: Any) -> Stream:  # noqa: N802
        if not self.device:
            raise PortAudioError("Error querying device -1")
        if options["samplerate"] not in self.rates_hz:
            raise PortAudioError("Invalid sample rate")
        self.streams.append(Stream(**options))
        return self.streams[-1]

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        self.starts += 1


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


def test_the_stream_is_open_from_the_start_and_plays_silence(library: Library) -> None:
    player = SoundDevicePlayer()
    assert library.streams[0].active
    assert library.streams[0].options["channels"] == 2
    assert not library.streams[0].fetch(5).any()
    assert not player.busy
    player.close()
    player.close()
    assert library.streams[0].closed


def test_samples_are_fetched_in_order_and_followed_by_silence(library: Library) -> None:
    player = SoundDevicePlayer()
    player.play(SOUND)
    stream = library.streams[0]
    assert player.busy
    assert stream.fetch(600).tolist() == [[n, n] for n in range(1, 601)]
    assert stream.fetch(600).tolist() == [*([n, n] for n in range(601, 1_001)), *[[0, 0]] * 200]
    assert not player.busy


def test_words_come_from_their_side(library: Library) -> None:
    player = SoundDevicePlayer()
    for pan, ear in ((-1.0, 0), (1.0, 1)):
        player.play(SOUND, pan)
        heard = np.abs(library.streams[0].fetch(1_000).astype(int)).sum(0)
        assert heard[ear] > 1_000 * max(heard[1 - ear], 1)


def test_one_stream_serves_every_rate(library: Library) -> None:
    player = SoundDevicePlayer()
    player.play(Speech(np.full(16_000, 500, np.int16), 16_000))
    assert len(library.streams) == 1
    assert np.count_nonzero(library.streams[0].fetch(30_000)[:, 0]) == 22_050


def test_a_device_that_takes_only_its_own_rate_gets_it(library: Library) -> None:
    library.rates_hz = {48_000}
    player = SoundDevicePlayer()
    player.play(Speech(np.full(22_050, 500, np.int16), 22_050))
    assert library.streams[0].samplerate == 48_000
    assert np.count_nonzero(library.streams[0].fetch(60_000)[:, 0]) == 48_000


def test_stop_fades_within_five_milliseconds(library: Library) -> None:
    player = SoundDevicePlayer()
    player.stop()
    player.play(Speech(np.full(22_050, 5_000, np.int16), 22_050))
    player.chime(SOUND)
    library.streams[0].fetch(100)
    player.stop()
    assert not player.busy
    rest = library.streams[0].fetch(1_000)
    assert not rest[111:].any()
    assert np.abs(np.diff(rest[:112, 0].astype(int))).max() < 100


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_device_that_is_unplugged_is_told_and_looked_for(library: Library) -> None:
    time_s = Time()
    player = SoundDevicePlayer(time_s)
    player.play(SOUND)
    library.streams[0].fetch(10)
    time_s.now_s = 2.9  # a sound server that has just been opened may fetch nothing for two seconds
    assert player.trouble() is None
    library.streams[0].fetch(10)
    time_s.now_s = 3.8
    assert player.trouble() is None
    library.device = False
    time_s.now_s = 4.0  # the device has asked for nothing for 1.1 s
    assert player.trouble() == "PortAudio: Error querying device -1"
    assert player.trouble() is None
    player.play(SOUND)
    time_s.now_s = 5.1
    assert player.trouble() == "PortAudio: Error querying device -1"
    library.device = True
    time_s.now_s = 6.2
    assert player.trouble() is None
    player.play(SOUND)
    assert library.streams[-1].fetch(10).any()
    assert library.streams[0].closed
    assert library.starts == 3


def test_words_that_began_without_a_device_count_as_unheard_when_it_is_back(library: Library) -> None:
    time_s = Time()
    player = SoundDevicePlayer(time_s)
    library.device = False
    library.streams[0].active = False
    time_s.now_s = 1.1
    assert player.trouble() is not None
    player.play(SOUND)
    library.device = True
    time_s.now_s = 2.2
    assert player.trouble() == "PortAudio: the sound device was gone"
    assert player.trouble() is None
    player.play(SOUND)
    assert library.streams[-1].fetch(10).any()


def test_a_stream_that_ends_by_itself_is_told(library: Library) -> None:
    player = SoundDevicePlayer()
    library.streams[0].active = False
    assert player.trouble() == "PortAudio: the sound device is gone"


# The mixer


def test_words_lower_an_earcon_and_do_not_stop_it() -> None:
    mixer = Mixer(1_000)
    mixer.chime(np.full((300, 2), 1_000, np.float32))
    assert (mixer.render(100) == 1_000).all()
    mixer.speak(np.full((100, 2), 2_000, np.float32))
    assert (mixer.render(100) == 2_000 + round(1_000 * LOWERED)).all()
    assert (mixer.render(100) == 1_000).all()
    assert not mixer.busy


def test_loudness_is_that_of_the_words_alone_and_is_limited() -> None:
    mixer = Mixer(1_000)
    mixer.volume = 2.0
    mixer.speak(np.full((10, 2), 20_000, np.float32))
    mixer.chime(np.full((20, 2), 100, np.float32))
    rendered = mixer.render(20)[:, 0]
    assert rendered.tolist() == [32_767] * 10 + [100] * 10


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
    assert (programs / "samples").read_bytes() == np.repeat(SOUND.pcm, 2).tobytes()
    assert "22050" in (programs / "args").read_text()
    player.close()


def test_an_earcon_is_played_beside_the_words(programs: Path) -> None:
    program(programs, "aplay", f"[ -e {programs}/probed ] && exec /bin/sleep 600; > {programs}/probed; exec /bin/cat")
    player = CommandPlayer("aplay")
    player.play(SOUND)
    words = player._process
    player.chime(SOUND)
    assert player._process is words
    (chime,) = player._chimes
    player.stop()
    assert words is not None
    assert (words.returncode, chime.returncode) == (-9, -9)


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
