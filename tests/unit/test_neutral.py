"""A person's face at rest: learned from what stays, within bounds, and from no smile."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.expression.classifier import EDGE
from assistant.expression.neutral import LEARNED, SMILE, Neutral, PersonalSmoother
from assistant.facs import AU_ORDER, index
from assistant.types import ActionUnits
from tests.model_builders import units

HALF = (0.5,) * len(AU_ORDER)
RATE_HZ = 10


def watch(neutral: Neutral, seconds: float, begin_s: float = 0.0, track: int = 1, **shown: float) -> ActionUnits:
    """Show the same face for a while and return what is made of its last frame."""
    for frame in range(int(seconds * RATE_HZ)):
        found = neutral.correct(track, units(**shown), begin_s + frame / RATE_HZ)
    return found


def value(found: ActionUnits, unit: str) -> float:
    probability = found.probability[index(unit)]
    assert probability is not None
    return probability


@pytest.mark.parametrize("unit", LEARNED)
def test_what_stays_from_the_first_moment_is_rest(unit: str) -> None:
    neutral = Neutral(HALF)
    early = watch(neutral, 1.5, **{unit: 0.6})
    assert (value(early, unit), early.present[index(unit)]) == (pytest.approx(0.6), True)
    later = watch(neutral, 3.0, begin_s=1.5, **{unit: 0.6})
    assert value(later, unit) == pytest.approx(0.11, abs=0.02)
    assert later.present[index(unit)] is False


@pytest.mark.parametrize("unit", [unit for unit in AU_ORDER if unit not in LEARNED])
def test_no_smile_and_no_surprise_becomes_rest(unit: str) -> None:
    assert value(watch(Neutral(HALF), 90.0, **{unit: 0.9}), unit) == 0.9


def test_a_movement_on_top_of_the_rest_is_seen_and_one_from_none_untouched() -> None:
    neutral = Neutral(HALF)
    watch(neutral, 5.0, AU04=0.4, AU15=0.02)
    moved = neutral.correct(1, units(AU04=0.95, AU15=0.95), 5.0)
    assert moved.present[index("AU04")]
    assert value(moved, "AU04") < 0.95
    assert value(moved, "AU15") == pytest.approx(0.95)


def test_a_slight_smile_is_seen_on_a_face_known_at_rest_and_on_no_other() -> None:
    neutral, slight = Neutral(HALF), units(AU12=0.3)
    assert neutral.correct(1, slight, 0.0).present[index(SMILE)] is False
    watch(neutral, 5.0, track=2, AU12=0.02)
    smiling = neutral.correct(2, slight, 5.0)
    assert smiling.present[index(SMILE)] is True
    assert value(smiling, SMILE) == pytest.approx(0.70, abs=0.01)
    watch(neutral, 5.0, track=3, AU12=0.2)
    assert neutral.correct(3, slight, 5.0) == slight


@pytest.mark.parametrize("rest", [0.01, 0.05, 0.1, 0.3])
def test_lifting_makes_no_smile_of_a_rest(rest: float) -> None:
    assert value(watch(Neutral(HALF), 5.0, AU12=rest), SMILE) <= max(rest, 0.1) + 1e-9


def test_a_strong_frown_that_never_ends_is_still_seen() -> None:
    assert watch(Neutral(HALF), 120.0, AU04=0.98).present[index("AU04")]


def test_a_frown_for_half_of_the_time_leaves_no_trace() -> None:
    neutral = Neutral(HALF)
    for second in range(0, 30, 2):
        watch(neutral, 1.0, begin_s=second, AU04=0.9)
        watch(neutral, 1.0, begin_s=second + 1, AU04=0.05)
    assert value(neutral.correct(1, units(AU04=0.9), 30.0), "AU04") == pytest.approx(0.9)


def test_whoever_relaxes_later_gets_a_better_rest() -> None:
    neutral = Neutral(HALF)
    frowned = value(watch(neutral, 4.0, AU04=0.6), "AU04")
    watch(neutral, 4.0, begin_s=4.0, AU04=0.05)
    assert value(neutral.correct(1, units(AU04=0.6), 8.0), "AU04") == pytest.approx(0.6)
    assert frowned < 0.2


def test_people_have_rests_of_their_own_and_the_untracked_none() -> None:
    neutral = Neutral(HALF)
    watch(neutral, 5.0, AU15=0.6)
    face = units(AU15=0.6)
    assert neutral.correct(2, face, 5.0) == face
    assert neutral.correct(0, face, 5.0) == face


def test_a_track_unseen_for_long_starts_afresh() -> None:
    neutral = Neutral(HALF, forget_after_s=2.0)
    watch(neutral, 5.0, AU15=0.6)
    face = units(AU15=0.6)
    assert neutral.correct(1, face, 6.5) != face
    assert neutral.correct(1, face, 10.0) == face


values = st.lists(st.none() | st.floats(0, 1), min_size=18, max_size=18)


@settings(deadline=None)
@given(st.lists(st.tuples(values, st.floats(0, 3)), max_size=20))
def test_it_shifts_within_bounds_and_keeps_what_is_missing(steps: list[tuple[list, float]]) -> None:
    neutral, now_s = Neutral(HALF, most=2.5, lift=1.0), 0.0
    for probability, gap in steps:
        now_s += gap
        face = ActionUnits(tuple(probability), tuple(None if p is None else p >= 0.5 for p in probability))
        found = neutral.correct(1, face, now_s)
        for unit, before, after in zip(AU_ORDER, face.probability, found.probability, strict=True):
            assert (before is None) == (after is None)
            if before is not None and after is not None:
                clipped = min(max(before, EDGE), 1 - EDGE)
                lowest = before if unit == SMILE else shifted(clipped, -2.5)
                highest = shifted(clipped, 1.0) if unit == SMILE else clipped
                assert min(before, lowest) - 1e-9 <= after <= max(before, highest) + 1e-9


def shifted(probability: float, by: float) -> float:
    """Return the probability with its log-odds changed."""
    return 1 / (1 + math.exp(-by - math.log(probability / (1 - probability))))


def test_the_loop_gets_rest_and_steadiness_in_one() -> None:
    smoother = PersonalSmoother(HALF)
    for frame in range(60):
        found = smoother.smooth(1, units(AU04=0.6, AU12=0.1), frame / 10)
    assert found.present[index("AU04")] is False
    jumped = smoother.smooth(1, units(AU04=0.6, AU12=0.9), 6.0)
    assert 0.1 < value(jumped, "AU12") < 0.9
