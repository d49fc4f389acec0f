from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.expression.smoothing import Smoother
from assistant.facs import index
from assistant.types import ActionUnits
from tests.model_builders import units

SMILE = index("AU12")
HALF = (0.5,) * 18


def smile(
    smoother: Smoother, probability: float | None, now_s: float, track: int = 1
) -> tuple[float | None, bool | None]:
    out = smoother.smooth(track, units(AU12=probability), now_s)
    return out.probability[SMILE], out.present[SMILE]


def test_the_first_frame_is_taken_as_it_is() -> None:
    face = units(AU12=0.9)
    assert Smoother(HALF).smooth(1, face, 5.0) == face


def test_half_of_a_change_shows_after_the_half_life() -> None:
    smoother = Smoother(HALF, half_life_s=0.3)
    smile(smoother, 0.0, 0.0)
    assert smile(smoother, 1.0, 0.3)[0] == pytest.approx(0.5)
    assert smile(smoother, 1.0, 0.6)[0] == pytest.approx(0.75)


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=8))
def test_the_rate_of_frames_does_not_matter(gaps: list[float]) -> None:
    often, once = Smoother(HALF, forget_after_s=10), Smoother(HALF, forget_after_s=10)
    smile(often, 0.0, 0.0)
    smile(once, 0.0, 0.0)
    now_s = 0.0
    for gap in gaps:
        now_s += gap
        stepped = smile(often, 1.0, now_s)[0]
    assert stepped == pytest.approx(smile(once, 1.0, now_s)[0], abs=1e-9)


values = st.none() | st.floats(0, 1)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 3), values), max_size=30))
def test_averages_stay_between_what_was_seen_and_none_stays_none(
    frames: list[tuple[float, int, float | None]],
) -> None:
    smoother, now_s = Smoother(HALF), 0.0
    seen: dict[int, list[float]] = {}
    for gap, track, value in frames:
        now_s += gap
        probability, present = smile(smoother, value, now_s, track)
        assert (probability is None) == (value is None)
        assert (present is None) == (value is None)
        if value is not None and probability is not None:
            if track == 0:
                assert probability == value
            seen.setdefault(track, []).append(value)
            assert min(seen[track]) <= probability <= max(seen[track])


def test_present_has_hysteresis() -> None:
    smoother = Smoother(HALF, half_life_s=0.0, hysteresis=0.1)
    said = [smile(smoother, p, t)[1] for t, p in enumerate([0.45, 0.5, 0.45, 0.41, 0.39, 0.45, 0.49, 0.51])]
    assert said == [False, True, True, True, False, False, False, True]


def test_one_odd_frame_does_not_end_a_smile() -> None:
    smoother = Smoother(HALF)
    frames = [0.9] * 10 + [0.1] + [0.9] * 5
    assert all(smile(smoother, p, i / 30)[1] for i, p in enumerate(frames))


def test_a_track_unseen_for_long_starts_afresh() -> None:
    smoother = Smoother(HALF)
    smile(smoother, 0.0, 0.0)
    assert smile(smoother, 1.0, 2.1)[0] == 1.0
    smile(smoother, 0.0, 2.2)
    assert smile(smoother, 1.0, 4.15)[0] != 1.0, "1.95 s is not long"


def test_tracks_do_not_mix_and_untracked_faces_have_no_past() -> None:
    smoother = Smoother(HALF)
    smile(smoother, 0.0, 0.0, track=1)
    assert smile(smoother, 1.0, 0.1, track=2)[0] == 1.0
    assert smile(smoother, 0.3, 0.2, track=0)[0] == 0.3
    assert smile(smoother, 0.9, 0.3, track=0)[0] == 0.9


def test_a_unit_that_comes_back_starts_from_what_is_seen() -> None:
    smoother = Smoother(HALF)
    smile(smoother, 0.2, 0.0)
    smile(smoother, None, 0.1)
    assert smile(smoother, 0.8, 0.2) == (0.8, True)


@pytest.mark.parametrize("now_s", [1.0, 0.5])
def test_time_that_stands_still_or_goes_back_changes_nothing(now_s: float) -> None:
    smoother = Smoother(HALF)
    smile(smoother, 0.2, 1.0)
    assert smile(smoother, 0.9, now_s)[0] == 0.2


def test_old_tracks_are_not_kept_for_ever() -> None:
    smoother = Smoother(HALF)
    for track in range(1, 500):
        smoother.smooth(track, units(), float(track))
    assert len(smoother._tracks) <= 3


def test_thresholds_are_each_units_own() -> None:
    thresholds = tuple(0.3 if i == SMILE else 0.7 for i in range(18))
    smoother = Smoother(thresholds, half_life_s=0.0)
    first = ActionUnits((0.5,) * 18, (False,) * 18)
    smoother.smooth(1, first, 0.0)
    present = smoother.smooth(1, first, 0.1).present
    assert present[SMILE] is True
    assert sum(bool(p) for p in present) == 1


def test_negative_times_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Smoother(HALF, half_life_s=-1)
