"""Tell from a series of distances whether somebody comes closer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

WINDOW_S: Final = 2.0
"""How much of the past is looked at."""

_SHORTEST_S: Final = 1.0
_START_M_S: Final = 0.35  # strolling is 1 m/s, swaying while standing moves a head by less than 0.1 m
_STOP_M_S: Final = 0.2  # apart from it, so that a slow approach does not come and go
_LEAST_SHARE: Final = 0.12  # of the distance that must be covered: a turn of the head changes it by less
_STEPS: Final = 20  # samples that are compared, each with each


def speed_m_s(times_s: Sequence[float], distances_m: Sequence[float]) -> float:
    """Return the median slope between all pairs of samples (Theil-Sen), negative when coming closer; outliers are free.

    Args:
        times_s: of the samples, rising.
        distances_m: as many.

    Returns:
        Metres a second; 0 where the samples span less than a second.
    """
    if times_s[-1] - times_s[0] < _SHORTEST_S:
        return 0.0
    first, second = _pairs(len(times_s))
    at, far = np.asarray(times_s), np.asarray(distances_m)
    passed = at[second] - at[first]
    apart = passed > 0.2 * _SHORTEST_S
    return float(np.median((far[second] - far[first])[apart] / passed[apart]))


@lru_cache(maxsize=128)
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the earlier and the later sample of each pair, of so many samples."""
    chosen = np.unique(np.linspace(0, count - 1, _STEPS).round().astype(np.intp))
    first, second = np.triu_indices(len(chosen), 1)
    return chosen[first], chosen[second]


def motion(times_s: Sequence[float], distances_m: Sequence[float], before: str) -> str:
    """Return "approaching", "leaving" or "".

    Args:
        times_s: of the samples, rising; the last is now.
        distances_m: as many.
        before: what it was a moment ago.
    """
    speed = speed_m_s(times_s, distances_m)
    word = "approaching" if speed < 0 else "leaving"
    if before == word and abs(speed) >= _STOP_M_S:
        return word
    covered = abs(speed) * (times_s[-1] - times_s[0])
    far_enough = covered >= _LEAST_SHARE * float(np.median(distances_m))
    return word if abs(speed) >= _START_M_S and far_enough else ""
