"""Sound that is missing, with the real classes: told in the one way still open, and the program goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import espeakng_loader
import pytest

from assistant import voice
from assistant.clock import ManualClock
from assistant.settings import Settings
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.speaker import Dropped, QueueSpeaker, SpeechEvent, Spoken, Trouble
from assistant.types import Priority
from tests.contract.test_real_playback import HAS_CARD, HAS_PLUGIN, HAS_SERVER, NEEDS
from tests.speech_builders import FakePlayer, utterance

ROOT = Path(__file__).resolve().parents[2]
SAY = "import json; from assistant.voice import say_aloud; from assistant.settings import Settings; "
SAY += "print(json.dumps(say_aloud(Settings(), 'Hello.')))"
NO_LIBRARY = "import ctypes.util; ctypes.util.find_library = lambda name: None; "


def said_to(tmp_path: Path, code: str) -> list[str]:
    """Return what a person is told where no sound device can be reached."""
    hidden = {"PULSE_SERVER": f"unix:{tmp_path}/none", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **hidden, "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.mark.skipif(HAS_CARD, reason="this machine may have a sound card")
def test_without_a_sound_device_the_person_reads_what_to_do(tmp_path: Path) -> None:
    (sentence,) = said_to(tmp_path, SAY)
    assert "PortAudio finds no sound output" in sentence or "The library PortAudio is missing." in sentence
    assert "Connect a headset" in sentence or "apt install libportaudio2" in sentence
    assert "apt install alsa-utils" in sentence
    assert sentence.endswith("Going on with text only.")


def test_without_portaudio_the_person_reads_how_to_install_it(tmp_path: Path) -> None:
    (sentence,) = said_to(tmp_path, NO_LIBRARY + SAY)
    assert "The library PortAudio is missing. Install it: `sudo apt install libportaudio2`" in sentence
    assert sentence.endswith("Going on with text only.")


def test_without_voice_data_another_voice_or_text_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    opened, told = voice.voice_or_text(Settings())
    assert f"its data in {tmp_path} cannot be read" in told
    assert "facecue doctor" in told
    assert "Going on with" in told
    assert opened.synthesise("Hello.").pcm.any(), "something is heard"
    opened.close()


def test_a_worker_killed_in_the_middle_of_a_word_costs_no_word() -> None:
    """What is heard was handed over whole; the next sentence comes from a new process, within its time."""
    real, clock, player = EspeakSynthesiser(timeout_s=20), ManualClock(), FakePlayer()
    events: list[SpeechEvent] = []
    speaker = QueueSpeaker(real, player, clock, events.append)
    speaker.say(utterance("One person, close, ahead.", Priority.MESSAGE, 0.0, 9.0), 0.0)
    clock.set(0.3)
    assert real.pid is not None
    before = real.pid
    os.kill(real.pid, signal.SIGKILL)
    speaker.pump(0.3)
    speaker.say(utterance("Camera lost.", Priority.IMPORTANT, 0.3, 9.0, track=0, reason="alert"), 0.3)
    assert [event.utterance.text for event in events if isinstance(event, Spoken)] == [
        "One person, close, ahead.",
        "Camera lost.",
    ]
    assert not [event for event in events if isinstance(event, Dropped | Trouble)]
    assert len(player.played[1].pcm) > 8_000
    assert real.pid != before
    speaker.close()


@pytest.mark.slow
@pytest.mark.skipif(not (HAS_SERVER and HAS_PLUGIN), reason=NEEDS)
def test_a_device_unplugged_in_the_middle_of_a_sentence_is_told_and_the_sentence_said_again() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.unplugged"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    assert measured["troubles_told"] == measured["recovered_told"] == 1
    assert measured["told_after_ms"] < 2_000
    assert measured["loop_held_up_ms"] < 500
    assert measured["heard_again_after_ms"] < 5_000
    assert measured["heard_again_for_ms"] > 1_500, "the whole sentence"
