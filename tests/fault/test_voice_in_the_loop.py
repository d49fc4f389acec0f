"""A voice or a sound output that fails while the program runs: what is heard, what is logged, how it goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from assistant import run as composition
from assistant import voice
from assistant.courtesy import Listening
from assistant.errors import DependencyError, SpeechError
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.portaudio import SoundDevicePlayer
from tests.app_builders import face
from tests.camera_builders import SharedClock
from tests.fault_builders import Do, Mark, Room, Step, shots

BUSY_S = 1.0
"""A busy machine may start Python so much later; the bar itself is 1 s."""


@pytest.fixture
def room(room: Room) -> Room:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    return room


@pytest.mark.parametrize(("name", "number"), [("killed", signal.SIGKILL), ("hung", signal.SIGSTOP)])
def test_a_real_voice_that_is_killed_or_hangs_speaks_the_very_words(room: Room, name: str, number: int) -> None:
    espeak: Any = EspeakSynthesiser()
    room.voice = espeak
    took_s: list[float] = []
    synthesise: Callable[[str], Any] = espeak.synthesise

    def timed(text: str) -> Any:
        start_s = time.monotonic()
        try:
            return synthesise(text)
        finally:
            took_s.append(time.monotonic() - start_s)

    espeak.synthesise = timed
    outcome = room.run(Do(lambda: os.kill(espeak.pid, number)), *shots(10))
    assert outcome.error is None
    assert outcome.words() == ["One person, close, ahead, facing you."]
    assert outcome.logged == "", "nothing to tell: it was put right"
    assert max(took_s) <= 1.0 + BUSY_S
    assert outcome.health.stages["voice"].state == "working"
    espeak.close()


def test_a_voice_that_fails_is_told_once_and_an_earcon_sounds(room: Room) -> None:
    room.voice.failures = 2
    outcome = room.run(*shots(60))
    assert outcome.error is None
    assert outcome.logged.count("The voice hangs.") == 1
    assert room.player.played, "an earcon, because silence is ambiguous"
    assert len([problem for problem in outcome.health.problems if problem.stage == "voice"]) == 1


def test_a_voice_that_is_absent_leaves_text_and_earcons(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(engine: str, *_: object) -> None:
        raise DependencyError(f"The voice {engine} is not installed.", "Install it.")

    monkeypatch.setattr(voice, "_open", missing)
    room.voice = None
    outcome = room.run(*shots(10))
    assert outcome.error is None
    assert outcome.logged == (
        "Facecue: No voice: The voice espeak is not installed. Install it. Going on with text only.\n"
    )
    assert outcome.words() == ["One person, close, ahead, facing you."], "as text"
    assert any(sound.pcm.any() for sound in room.player.played), "an earcon says that there is something to read"
    assert outcome.health.voice == "text"
    assert outcome.health.stages["voice"].state == "lost"


def test_another_voice_says_that_the_wanted_one_is_missing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    other, room.voice = room.voice, None

    def opened(engine: str, *_: object) -> Any:
        if engine == "piper":
            raise DependencyError("piper-tts is not installed.", "Install it.")
        return other

    monkeypatch.setattr(voice, "_open", opened)
    outcome = room.run(*shots(10), change={"speech.engine": "piper"})
    assert outcome.error is None
    assert outcome.logged == "Facecue: piper-tts is not installed. Install it. Going on with the voice fake.\n"
    assert outcome.words()[0] == "The voice is not installed."
    assert outcome.health.voice == "fake"
    assert outcome.health.stages["voice"].state == "working"
    (problem,) = outcome.health.problems
    assert problem.message == "piper-tts is not installed. Install it. Going on with the voice fake."
    assert problem.over_s is None, "the page tells it as long as it is so"


class Card(SimpleNamespace):
    """Stand in for the module sounddevice, with one device that can be unplugged."""

    class PortAudioError(Exception):
        pass

    def __init__(self, clock: SharedClock) -> None:
        super().__init__(there=True, stream=None)
        self._clock = clock
        self.sounded_s: list[float] = []

    def RawOutputStream(self, **options: Any) -> Any:  # noqa: N802
        self.query_devices()
        nothing = lambda **_: None  # noqa: E731
        self.stream = SimpleNamespace(active=True, start=nothing, close=nothing, **options)
        return self.stream

    def query_devices(self, kind: str = "output") -> dict[str, float]:
        if not self.there:
            raise self.PortAudioError("no device")
        return {"default_samplerate": 22_050.0}

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        pass

    def turn(self) -> None:
        """Ask for a tenth of a second, as PortAudio's thread does."""
        if self.there:
            out = memoryview(bytearray(4 * 2205))
            self.stream.callback(out, 2205, None, None)
            if any(out):
                self.sounded_s.append(self._clock.now_s())


def test_a_sound_device_that_goes_and_comes_is_told_once_and_recovers(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card(room.clock)
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    room.player = SoundDevicePlayer(room.clock.now_s)
    gone, back = Mark(room.clock), Mark(room.clock)

    def unplug() -> None:
        gone()
        card.there = False

    def plug_in() -> None:
        back()
        card.there = True
        room.faces = lambda frame: ()  # somebody leaves, which is worth saying

    def turning(seconds: int) -> list[Step]:
        return [each for step in shots(seconds) for each in (step, Do(card.turn))]

    outcome = room.run(*turning(5), Do(unplug), *turning(10), Do(plug_in), *turning(10))
    assert outcome.error is None
    problem = "Nothing is heard (PortAudio: no device). Check the sound device."
    assert outcome.logged == f"Facecue: {problem}\nFacecue: the sound works again.\n"
    (told,) = (each for each in outcome.health.problems if each.stage == "sound")
    assert told.time_s - gone.at_s <= 2.0
    assert told.over_s is not None
    assert next(at_s for at_s in card.sounded_s if at_s > gone.at_s) - back.at_s <= 2.0, "words are heard again"
    assert outcome.report["frames"] >= 245


class DeafEar:
    """An ear without a microphone."""

    def __init__(self) -> None:
        self._troubles = [SpeechError("The microphone cannot be used: it is gone.", "Connect one.", "no_microphone")]

    def trouble(self) -> SpeechError | None:
        return self._troubles.pop() if self._troubles else None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("wanted", [True, False])
def test_a_wanted_microphone_that_is_missing_is_said_once_and_the_run_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    opened: list[DeafEar] = []

    def open_ear(_tell: object) -> Any:
        opened.append(DeafEar())
        return opened[-1]

    monkeypatch.setattr(composition, "Listening", lambda *given: Listening(*given, open_ear=open_ear))
    outcome = room.run(*shots(20), change={"speech.microphone": wanted})
    assert outcome.error is None
    assert len(opened) == wanted
    assert outcome.words().count("I find no microphone.") == wanted
    assert outcome.logged.count("The microphone cannot be used: it is gone. Connect one.") == wanted
    assert any("person" in words for words in outcome.words())
