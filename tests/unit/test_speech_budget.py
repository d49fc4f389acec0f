"""Whatever is shown, the wearer never hears more than twelve unprompted words in any ten seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.clock import ManualClock
from assistant.facs import AU_ORDER
from assistant.speech.budget import WordBudget, count_words
from assistant.speech.policy import Policy
from assistant.speech.speaker import Cut, Dropped, QueueSpeaker, SpeechEvent, Spoken
from tests.speech_builders import FakePlayer, FakeVoice, expression, person, phrases, scene, utterance

WINDOW_S, LIMIT = 10.0, 12
LOUD = ("AU04", "AU09", "AU12", "AU15", "AU43", "AU05", "AU01", "AU02", "AU26", "AU06")


def most_words(spoken: list[Spoken]) -> int:
    """Most words of unprompted utterances of which any part is heard in one window."""
    unprompted = [each for each in spoken if each.utterance.reason not in ("answer", "alert")]
    return max(
        (
            sum(
                count_words(other.utterance.text)
                for other in unprompted
                if last.start_s - WINDOW_S <= other.start_s + other.seconds and other.start_s <= last.start_s
            )
            for last in unprompted
        ),
        default=0,
    )


def run(beats: list[Any], feedback: bool) -> list[Spoken]:
    """Show each beat for its time, with a real speaker on a clip's clock; return what was spoken."""
    clock, spoken = ManualClock(), []
    policy = Policy(phrases(), emotions=True, verbosity=4)

    def heard(event: SpeechEvent) -> None:
        match event:
            case Spoken():
                spoken.append(event)
                if feedback:
                    policy.spoken(event.utterance, event.start_s, event.seconds)
            case Dropped() if feedback:
                policy.dropped(event.utterance)
            case Cut():
                pass

    with QueueSpeaker(FakeVoice(), FakePlayer(), clock, heard) as speaker:
        for seconds, step_s, brightness, people, asks in beats:
            for _ in range(max(int(seconds / step_s), 1)):
                clock.set(clock.now_s() + step_s)
                now = scene(*people, brightness=brightness)
                speaker.pump(clock.now_s())
                considered = policy.consider(now, clock.now_s())
                if considered.utterance is not None:
                    speaker.say(considered.utterance, clock.now_s())
            if asks:
                speaker.say(policy.answer(now, clock.now_s()), clock.now_s())
    return spoken


shown = st.lists(st.sampled_from(LOUD), max_size=4, unique=True)
one_person = st.builds(
    lambda track, x, width, units, label: person(*units, track=track, x=x, width=width, shows=expression(label)),
    st.integers(1, 6),
    st.floats(0, 640),
    st.floats(10, 200),
    shown,
    st.sampled_from(["happiness", "sadness", "neutral", "unclear"]),
)
crowd = st.lists(one_person, max_size=4, unique_by=lambda each: each.face.track)
beat = st.tuples(
    st.floats(0.1, 4), st.sampled_from([0.05, 0.2, 0.7]), st.sampled_from([0.5, 0.5, 0.5, 0.01]), crowd, st.booleans()
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(beat, min_size=3, max_size=25), st.booleans())
def test_no_sequence_of_scenes_exceeds_the_budget(beats: list[Any], feedback: bool) -> None:
    assert most_words(run(beats, feedback)) <= LIMIT


def test_restless_faces_use_the_budget_and_never_exceed_it() -> None:
    rng = np.random.default_rng(3)
    beats = [
        (
            1.0,
            0.05,
            0.5,
            [person(*rng.choice(LOUD, 3, replace=False), track=n, x=150.0 * n) for n in range(1, 5)],
            False,
        )
        for _ in range(60)
    ]
    told, untold = run(beats, feedback=True), run(beats, feedback=False)
    assert most_words(told) <= LIMIT
    assert most_words(untold) <= LIMIT
    assert len(told) > len(untold) > 3  # it still speaks, and more where the speaker tells when


def test_words_are_counted_as_heard() -> None:
    assert count_words("One person, close, at one o'clock, smiling.") == 7
    assert count_words("  Well - yes … no. ") == 3
    assert count_words("") == 0


def test_a_reservation_lasts_until_its_words_left_the_window() -> None:
    budget = WordBudget(12)
    words = utterance("one two three four five", now_s=0.0)
    budget.reserve(words)
    budget.spoken(words, 0.5, 1.5)
    assert budget.left(12.0) == 7
    assert budget.left(12.1) == 12


def test_without_a_word_from_the_speaker_the_worst_is_assumed() -> None:
    budget = WordBudget(12)
    budget.reserve(utterance("one two three four five", now_s=0.0, lasts_s=2.0))
    assert budget.left(16.9) == 7  # 2 s to start, 5 s to say, 10 s of window
    assert budget.left(17.1) == 12


def test_dropped_words_are_given_back() -> None:
    budget = WordBudget(12)
    words, same = utterance("one two"), utterance("one two")
    budget.reserve(words)
    budget.reserve(same)
    budget.release(words)
    assert budget.left(0.0) == 10


def test_the_units_of_this_test_exist() -> None:
    assert set(LOUD) <= set(AU_ORDER)
