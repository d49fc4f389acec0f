"""Find how a value swings to and fro: heads that nod or shake, mouths that talk."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Swing:
    """Hold one way of a swing, from one turn to the next.

    Attributes:
        start_s: of the first turn.
        end_s: of the next, or of the last sample.
        size: how far, positive upwards.
    """

    start_s: float
    end_s: float
    size: float


def swings(times_s: Sequence[float], values: Sequence[float], least: float) -> list[Swing]:
    """Return the swings of at least a size, in turn up and down; smaller ones are noise on the way of a larger one.

    Args:
        times_s: of the samples, rising.
        values: as many.
        least: size of the smallest swing that counts.
    """
    turns: list[int] = []
    low = high = going = 0
    for index, value in enumerate(values):
        if going >= 0 and value > values[high]:
            high = index
        if going <= 0 and value < values[low]:
            low = index
        if going >= 0 and values[high] - value >= least:
            turns.append(high)
            going, low = -1, index
        elif going <= 0 and value - values[low] >= least:
            turns.append(low)
            going, high = 1, index
    if going:
        turns.append(high if going > 0 else low)
    return [Swing(times_s[a], times_s[b], values[b] - values[a]) for a, b in itertools.pairwise(turns)]
