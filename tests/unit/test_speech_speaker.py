from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assistant.clock import ManualClock
from assistant.errors import OutputError
from assistant.speech import earcons
from assistant.speech.scheduler import BREATH_S, GAP_S, Scheduler
from assistant.speech.speaker import Cut, Dropped, QueueSpeaker, Recovered, SpeechEvent, Spoken, Trouble
from assistant.types import Priority, Speech
from tests.speech_builders import FakePlayer, FakeVoice, utterance

IMPORTANT, MESSAGE, NOTIFICATION = Priority.IMPORTANT, Priority.MESSAGE, Priority.NOTIFICATION


class Memory:
    """Stand in for a WAV file."""

    def __init__(self, fails: bool = False) -> None:
        self.kept: list[tuple[float, float]] = []
        self.closed = 0
        self._fails = fails

    def add(self, start_s: float, speech: Speech, pan: float) -> None:
        if self._fails:
            raise OutputError("The disk is full.", "Free some space.")
        self.kept.append((start_s, speech.seconds))

    def close(self) -> None:
        self.closed += 1


class Room:
    """A speaker with everything around it."""

    def __init__(self, voice: FakeVoice | None = None, player: FakePlayer | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.events: list[SpeechEvent] = []
        self.voice, self.player = voice or FakeVoice(), player or FakePlayer()
        self.speaker = QueueSpeaker(self.voice, self.player, self.clock, self.events.append, **options)

    def at(self, now_s: float) -> Room:
        while self.clock.now_s() < now_s:
            self.clock.set(min(self.clock.now_s() + 0.02, now_s))
            self.speaker.pump(self.clock.now_s())
        return self

    def say(self, text: str, priority: Priority = NOTIFICATION, lasts_s: float = 2.0, **details: Any) -> None:
        now_s = self.clock.now_s()
        self.speaker.say(utterance(text, priority, now_s, lasts_s, **details), now_s)

    def heard(self) -> list[tuple[float, str]]:
        return [(round(e.start_s, 2), e.utterance.text) for e in self.events if isinstance(e, Spoken)]

    def dropped(self) -> list[tuple[str, str]]:
        return [(e.utterance.text, e.reason) for e in self.events if isinstance(e, Dropped)]


def test_words_start_at_once_and_take_their_own_seconds() -> None:
    room = Room()
    room.say("one two three four", pan=-0.5)
    assert room.heard() == [(0.0, "one two three four")]
    assert room.events == [Spoken(room.events[0].utterance, 0.0, 1.0)]  # type: ignore[union-attr]
    assert not room.at(0.9).speaker.idle
    assert room.at(1.0).speaker.idle
    assert len(room.player.played) == 1
    assert room.player.pans == [-0.5]


def test_what_waits_follows_after_the_gap() -> None:
    room = Room()
    room.say("one two", MESSAGE)
    room.say("three", MESSAGE)
    room.at(2)
    assert room.heard() == [(0.0, "one two"), (0.5 + GAP_S, "three")]


def test_stale_words_are_never_started() -> None:
    room = Room()
    room.say("a b c d e f", MESSAGE)
    room.say("late", MESSAGE, lasts_s=1.0)
    room.at(3)
    assert room.heard() == [(0.0, "a b c d e f")]
    assert room.dropped() == [("late", "expired")]
    room.speaker.say(utterance("old", now_s=0.0), 3.0)
    assert room.dropped()[1:] == [("old", "expired")]


class HangingVoice(FakeVoice):
    """Take a second for the first words, as a voice that hangs and is replaced."""

    clock: ManualClock

    def synthesise(self, text: str) -> Speech:
        if not self.texts:
            self.clock.set(self.clock.now_s() + 1.0)
        return super().synthesise(text)


@pytest.mark.parametrize("lasts_s", [0.9, 1.1])
def test_words_that_waited_for_a_hung_voice_are_said_or_dropped_by_their_expiry(lasts_s: float) -> None:
    voice = HangingVoice()
    room = Room(voice)
    voice.clock = room.clock
    room.say("Smiling.", lasts_s=lasts_s)
    if lasts_s > 1:
        assert room.heard() == [(1.0, "Smiling.")]
        return
    assert room.heard() == []
    assert room.dropped() == [("Smiling.", "expired")]
    assert room.player.played == []
    room.say("Smiling.")
    assert room.heard() == [(1.0, "Smiling.")], "it was not said before"


def test_words_that_are_no_longer_true_are_dropped_as_they_would_start() -> None:
    gone: list[str] = []
    room = Room(scheduler=Scheduler(lambda each: each.text not in gone))
    room.say("a b", MESSAGE)
    room.at(0.6).say("Smiling.")
    gone.append("Smiling.")
    room.at(3)
    assert [text for _, text in room.heard()] == ["a b"]
    assert room.dropped() == [("Smiling.", "untrue")]


@pytest.mark.parametrize(("urgent", "reason"), [(IMPORTANT, "alert"), (MESSAGE, "answer")])
@pytest.mark.parametrize("current", [NOTIFICATION, MESSAGE])
def test_alerts_and_answers_cut_others_at_once(urgent: Priority, reason: str, current: Priority) -> None:
    room = Room()
    room.say("a b c d e f", current)
    room.at(0.5)
    room.say("Camera lost.", urgent, reason=reason)
    assert room.heard() == [(0.0, "a b c d e f"), (0.5, "Camera lost.")]
    assert [type(event) for event in room.events] == [Spoken, Cut, Spoken]
    assert room.player.stops == 1


def test_a_merged_sentence_tells_what_it_is_made_of() -> None:
    room = Room()
    room.say("a b", MESSAGE)
    room.at(0.6).say("Smiling.", track=1)
    room.at(0.7).say("Brows raised.", track=2)
    room.at(3)
    spoken = room.events[-1]
    assert isinstance(spoken, Spoken)
    assert spoken.utterance.text == "Smiling; Brows raised."
    assert [part.text for part in spoken.told] == ["Smiling.", "Brows raised."]


def test_an_alert_that_the_device_swallowed_is_said_again() -> None:
    room = Room(player=FakePlayer(["the sound device is gone"]))
    room.say("Camera lost.", IMPORTANT, lasts_s=9)
    room.at(4)
    assert [text for _, text in room.heard()] == ["Camera lost.", "Camera lost."]
    assert [type(event) for event in room.events] == [Spoken, Trouble, Cut, Spoken, Recovered]


def test_stop_cuts_and_forgets() -> None:
    memory = Memory()
    room = Room(wav=memory)
    room.say("a b c d", MESSAGE)
    room.say("e", MESSAGE)
    room.at(0.5)
    room.speaker.stop()
    assert room.speaker.idle
    assert room.player.stops == 1
    assert memory.kept == [(0.0, 0.5)]
    assert room.dropped() == [("e", "stopped")]
    room.say("f", MESSAGE)
    assert room.at(2).heard()[-1] == (pytest.approx(0.5 + GAP_S - BREATH_S), "f")


def test_drain_lets_everything_be_said_in_the_clip_s_time() -> None:
    memory = Memory()
    room = Room(wav=memory)
    room.say("a b", MESSAGE)
    room.say("c d", MESSAGE)
    room.speaker.drain(lambda seconds: room.clock.set(room.clock.now_s() + seconds))
    assert memory.kept == [(0.0, 0.5), (pytest.approx(0.5 + GAP_S), 0.5)]
    assert room.clock.now_s() == pytest.approx(1.0 + GAP_S, abs=0.01)


def test_close_releases_everything_and_may_come_twice() -> None:
    memory = Memory()
    room = Room(wav=memory)
    with room.speaker as speaker:
        speaker.say(utterance("a b", MESSAGE), 0.0)
    speaker.close()
    assert room.player.closed
    assert room.voice.closed
    assert memory.closed
    assert [type(event) for event in room.events] == [Spoken, Cut]


def test_an_earcon_comes_before_the_words() -> None:
    room = Room()
    room.say("Camera lost.", IMPORTANT, earcon=earcons.CAMERA_LOST)
    played = room.player.played[0]
    assert played.seconds == pytest.approx(0.5 + earcons.earcon(earcons.CAMERA_LOST, 1_000).seconds)
    assert (played.pcm[-500:] == 1_000).all()


def test_without_a_voice_an_earcon_is_heard_and_the_failure_told_once() -> None:
    room = Room(FakeVoice(failures=2))
    room.say("one", MESSAGE)
    room.at(5).say("two", MESSAGE)
    assert np.array_equal(room.player.played[0].pcm, earcons.earcon(earcons.ERROR).pcm)
    assert room.heard() == []
    assert room.dropped() == [("one", "no voice"), ("two", "no voice")]
    assert sum(isinstance(event, Trouble) for event in room.events) == 1


def test_a_failed_voice_rests_is_tried_again_and_its_return_is_told() -> None:
    room = Room(FakeVoice(failures=2))
    for now_s in (0, 10, 31, 62):
        room.at(now_s).say(f"at {now_s}", MESSAGE)
    assert room.heard() == [(62.0, "at 62")]
    assert room.voice.texts == ["at 62"]
    assert [type(event) for event in room.events if isinstance(event, Trouble | Recovered)] == [Trouble, Recovered]


def test_lost_sound_is_told_once_and_its_return_once() -> None:
    room = Room(player=FakePlayer(["aplay ended with status 1", None, "again"] + [None] * 1000))
    for now_s in (0, 1, 2, 3):
        room.at(now_s).say("one", MESSAGE)
    room.at(5)
    told = [event for event in room.events if isinstance(event, Trouble | Recovered)]
    assert [type(event) for event in told] == [Trouble, Recovered]
    assert "aplay ended with status 1" in str(told[0].error)  # type: ignore[union-attr]


def test_a_full_disk_is_told_once_and_speech_can_go_on() -> None:
    memory = Memory(fails=True)
    room = Room(wav=memory)
    room.say("one", MESSAGE)
    with pytest.raises(OutputError):
        room.at(1)
    assert memory.closed == 1
    room.say("two", MESSAGE)
    room.at(3)
    room.speaker.close()
    assert [text for _, text in room.heard()] == ["one", "two"]


def test_an_alert_said_from_within_a_failing_output_is_not_lost() -> None:
    """The disk fills up just as an answer cuts other words: whoever keeps the file tells it through this speaker."""
    room = Room()

    class Full(Memory):
        def add(self, start_s: float, speech: Speech, pan: float) -> None:
            if not self.kept:
                self.kept.append((start_s, speech.seconds))
                room.say("I cannot save that.", IMPORTANT, lasts_s=5)

    room.speaker = QueueSpeaker(room.voice, room.player, room.clock, room.events.append, Full())
    room.say("a b c d", MESSAGE)
    room.at(0.2)
    room.say("Nobody in view.", MESSAGE, reason="answer")
    room.at(4)
    assert {text for _, text in room.heard()} == {"a b c d", "I cannot save that.", "Nobody in view."}


def test_the_wav_file_is_as_loud_as_what_was_played() -> None:
    class Peaks(Memory):
        peaks: tuple[int, ...] = ()

        def add(self, start_s: float, speech: Speech, pan: float) -> None:
            self.peaks += (int(speech.pcm.max()),)

    wav = Peaks()
    room = Room(wav=wav)
    room.say("Smiling.")
    room.speaker.volume(2.0)
    room.at(3.0)
    room.say("Brows raised.")
    room.at(6.0)
    assert room.player.gain == 2.0
    assert wav.peaks == (1_000, 2_000), "words that have begun stay as they are"


def test_a_sound_beside_the_words_does_not_cut_them() -> None:
    memory = Memory()
    room = Room(wav=memory)
    room.say("a b c d", MESSAGE)
    room.at(0.5).speaker.chime(earcons.KEY)
    room.at(1)
    assert len(room.player.chimes) == 1
    assert room.player.stops == 0
    assert [start_s for start_s, _ in memory.kept] == [0.5, 0.0]


@pytest.mark.parametrize("name", earcons.NAMES)
def test_earcons_are_short_audible_and_do_not_click(name: str) -> None:
    sound = earcons.earcon(name)
    assert 0.02 < sound.seconds < 0.3
    assert 4_000 < np.abs(sound.pcm).max() < 12_000
    assert np.abs(np.diff(sound.pcm.astype(int))).max() < 5_000
    assert abs(int(sound.pcm[0])) < 100
    assert abs(int(sound.pcm[-1])) < 1_000


def course(name: str) -> np.ndarray[Any, Any]:
    """How strong each band of a third of an octave is, in each of sixteen slices of 20 ms: what an ear tells apart."""
    pcm = np.zeros(441 * 16)
    sound = earcons.earcon(name).pcm
    pcm[: len(sound)] = sound
    spectrum = np.abs(np.fft.rfft(pcm.reshape(16, 441) * np.hanning(441), 4_096))
    edges = 100 * 2 ** (np.arange(18) / 3)
    band = np.searchsorted(edges, np.fft.rfftfreq(4_096, 1 / 22_050))
    bands = np.array([[part[band == each].sum() for each in range(1, 18)] for part in spectrum])
    return np.sqrt(bands / np.linalg.norm(bands)).ravel()


def test_every_earcon_differs_from_every_other() -> None:
    courses = {name: course(name) for name in earcons.NAMES}
    alike = {
        (one, other): float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        for one, a in courses.items()
        for other, b in courses.items()
        if one < other
    }
    assert max(alike.values()) < 0.85, max(alike, key=lambda pair: alike[pair])
