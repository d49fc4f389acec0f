"""Whatever happens: nothing stale, untrue or repeated is started, and nobody is talked over by chatter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from assistant.speech.scheduler import BREATH_S
from assistant.speech.speaker import Spoken
from assistant.types import Person, Priority, Scene
from tests.speech_builders import person, scene, utterance
from tests.speech_room import WatchedRoom

LOUD = ("AU12", "AU04", "AU09", "AU15", "AU43", "AU05", "AU01", "AU02", "AU26", "AU06")

people = st.lists(
    st.builds(
        lambda track, x, units: person(*units, track=track, x=x),
        st.integers(1, 4),
        st.floats(0, 640),
        st.lists(st.sampled_from(LOUD), max_size=3, unique=True),
    ),
    max_size=3,
    unique_by=lambda each: each.face.track,
)


class Conversation(RuleBasedStateMachine):
    """Scheduler and policy, with a wearer who asks and stops, and a machine that has troubles and progress to tell."""

    @initialize(verbosity=st.integers(1, 4))
    def begin(self, verbosity: int) -> None:
        self.room = WatchedRoom(verbosity)
        self.scene: Scene = scene()
        self.progress = ""

    @rule(people=people, seconds=st.floats(0.2, 4))
    def show(self, people: list[Person], seconds: float) -> None:
        self.scene = scene(*people)
        self.room.show(self.scene, seconds)

    @rule()
    def ask(self) -> None:
        self.room.ask(self.scene)

    @rule(n=st.integers(0, 99))
    def tell_trouble(self, n: int) -> None:
        self.room.show(self.scene, 0.2)
        cut = self.room.speaker.current
        self.room.say(f"Trouble {n}.", Priority.IMPORTANT, lasts_s=60)
        if cut is None:  # the breath after words that ended by themselves
            self.room.show(self.scene, BREATH_S, BREATH_S)
        current = self.room.speaker.current
        assert current is not None, "what must be said now did not preempt"
        assert current.priority == Priority.IMPORTANT, "what must be said now did not preempt"

    @rule(n=st.integers(0, 99))
    def tell_progress(self, n: int) -> None:
        self.progress = f"{n} percent."
        self.room.say(self.progress, Priority.PROGRESS, lasts_s=1e9, reason="copying")

    @rule(talking=st.booleans())
    def somebody_talks_or_pauses(self, talking: bool) -> None:
        self.room.talking = talking

    @rule()
    def stop(self) -> None:
        self.room.stop()
        assert self.room.speaker.idle
        self.progress = ""

    @invariant()
    def nothing_wrong_was_said(self) -> None:
        if hasattr(self, "room"):
            assert not self.room.faults

    def teardown(self) -> None:
        if hasattr(self, "room"):
            self.room.settle(self.scene)
            assert not self.room.faults
            if self.progress:
                told = [each.utterance.text for each in self.room.spoken if each.utterance.reason == "copying"]
                assert told[-1] == self.progress


def test_no_conversation_goes_wrong() -> None:
    run_state_machine_as_test(
        Conversation, settings=settings(max_examples=100, stateful_step_count=30, deadline=None, derandomize=True)
    )


def simulate(scenes: int, seed: int, **scheduling: Any) -> WatchedRoom:
    """Show so many scenes, of 0.2 to 4 s each, in which faces come, go, move and smile for a moment."""
    rng = np.random.default_rng(seed)
    room = WatchedRoom(**scheduling)
    for _ in range(scenes):
        seen: list[Any] = [
            person(*rng.choice(LOUD, rng.integers(0, 3), replace=False), track=int(track), x=float(rng.uniform(0, 640)))
            for track in rng.choice(6, rng.choice([0, 1, 1, 2, 3]), replace=False) + 1
        ]
        now = scene(*seen)
        room.talking = bool(rng.random() < 0.2)
        room.show(now, float(rng.uniform(0.2, 4)))
        what = rng.integers(0, 20)
        if what == 0:
            room.ask(now)
        elif what == 1:
            room.say("Camera lost.", Priority.IMPORTANT)
    room.settle(scene())
    return room


def test_a_thousand_scenes_have_no_stale_start_and_no_repeat() -> None:
    room = simulate(1_000, seed=1)
    assert not room.faults
    assert len(room.spoken) > 200
    assert {"untrue", "expired"} <= {reason for _, reason in room.dropped}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"still_true": lambda _words: True}, "is not so"),
        ({"repeat_s": 0.0}, "again"),
        ({"gap_s": 0.0}, "after a gap of"),
        ({"somebody_speaks": lambda: False}, "while somebody speaks"),
    ],
    ids=["believes everything", "repeats itself", "takes no breath", "talks over people"],
)
def test_a_worse_scheduler_is_found_out(broken: dict[str, Any], fault: str) -> None:
    assert any(fault in each for each in simulate(300, seed=1, **broken).faults)


def test_stale_words_are_found_out() -> None:
    """Both scheduler and speaker look at the expiry, so that the judge is asked directly."""
    room = WatchedRoom()
    room.clock.set(10.0)
    room._heard(Spoken(utterance("Trouble.", Priority.IMPORTANT, 1.0, 2.0, track=0), 10.0, 1.0))
    assert room.faults == ["10.0 s: 'Trouble.' is stale"]


@pytest.mark.slow
def test_ten_thousand_scenes_have_no_stale_start_and_no_repeat() -> None:
    room = simulate(10_000, seed=2)
    assert not room.faults
    assert len(room.spoken) > 2_000
