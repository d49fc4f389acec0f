"""What the benchmark of expressions in time counts, on decisions made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.facs import UNCLEAR
from assistant.types import ActionUnits
from benchmarks.expression_clips import SEGMENT_S, Clip
from benchmarks.expression_time import Timed, held, majority, summary, timed
from tests.model_builders import units

RATE_HZ = 10
CLIP = Clip("made", (np.zeros((8, 8, 3), np.uint8),) * 3, ("neutral", "happiness", "neutral"), 0)
CALM, FROWN = units(0.01), units(0.01, AU04=0.9)


def decisions(*shown: tuple[str, float], face: ActionUnits = CALM) -> Timed:
    """Time a clip in which each label is decided for some seconds."""
    labels = [label for label, seconds in shown for _ in range(round(seconds * RATE_HZ))]
    assert len(labels) == 3 * SEGMENT_S * RATE_HZ
    return timed(CLIP, [i / RATE_HZ for i in range(len(labels))], [(label, face) for label in labels])


def test_true_changes_have_latencies_and_are_not_false() -> None:
    found = decisions(("neutral", 3.4), ("happiness", 2.8), ("neutral", 2.8))
    assert found.latencies_s == pytest.approx((0.4, 0.2))
    assert (found.changes, found.false) == (2, 0)


def test_what_flickers_is_false_and_what_never_comes_is_missed() -> None:
    found = decisions(("neutral", 4.0), ("surprise", 0.5), ("neutral", 4.5))
    assert (found.latencies_s, found.changes, found.false) == ((), 2, 2)
    told = summary([found])
    assert (told["missed"], told["latency_s_median"], told["latency_s_median_missed_as_never"]) == (2, None, None)
    assert told["false_a_minute"] == pytest.approx(2 * 60 / 9)


def test_at_rest_moods_and_low_brows_are_counted() -> None:
    """Of the frames at rest, from 2.5 to 3 and from 6 to 9 s, one second of 3.5 is called sad."""
    found = decisions(("neutral", 8.0), ("sadness", 1.0), face=FROWN)
    assert found.angry_or_sad == pytest.approx(1 / 3.5)
    assert found.low == 1.0
    assert decisions(("neutral", 9.0)).low == 0.0


def test_unclear_keeps_the_last_decision_and_ten_frames_outvote_one() -> None:
    assert held([UNCLEAR, "neutral", UNCLEAR, "anger"]) == [UNCLEAR, "neutral", "neutral", "anger"]
    labels = ["neutral"] * 10 + ["anger"] * 10
    decided = majority(labels)
    assert decided.index("anger") == 14, "half of the last ten, and the latest of equals"
    assert majority(["neutral"] * 10 + ["anger"] + ["neutral"] * 5) == ["neutral"] * 16
