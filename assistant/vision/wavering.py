"""Estimate how much a measured angle wavers from frame to frame, whatever the head does meanwhile."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

_SAMPLES: Final = 150  # ten seconds at 15 a second: nobody nods for half of that
_LEAST_SAMPLES: Final = 15
_OF_MEDIAN: Final = 1 / (0.6745 * 6**0.5)  # of |a - 2b + c| for three values of the same normal distribution


class Wavering:
    """Keep the last bends of a series: their median is noise, since a gesture is short and a turn is smooth.

    Args:
        at_first: what is assumed before there are enough samples.
    """

    def __init__(self, at_first: float) -> None:
        self._at_first = at_first
        self._values: deque[float] = deque(maxlen=3)
        self._bends: deque[float] = deque(maxlen=_SAMPLES)

    def add(self, value: float) -> None:
        """Take in the next value."""
        self._values.append(value)
        if len(self._values) == 3:
            before, middle, after = self._values
            self._bends.append(abs(before - 2 * middle + after))

    @property
    def deviation(self) -> float:
        """Standard deviation of the noise."""
        if len(self._bends) < _LEAST_SAMPLES:
            return self._at_first
        return float(np.median(self._bends)) * _OF_MEDIAN
