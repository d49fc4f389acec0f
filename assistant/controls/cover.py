"""Notice a hand over the lens, and tell it from a dark room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from assistant.types import ImageRgb

_STEP_PX: Final = 8
_BLACK: Final = 0.12  # mean luminance: light shines a little through fingers, and the camera turns its gain up
_FLAT: Final = 0.05  # deviation of luminance: a hand that close has no shape, a dark room has lamps and edges
_SEEING: Final = 0.16  # above both by enough that a covered lens does not flicker
_DROP: Final = 0.10  # a hand takes away at least so much light
_DROP_WITHIN_S: Final = 0.5  # a hand is there at once; who walks into a dark room takes longer, as dusk does
_COVERED_AFTER_S: Final = 1.0
_UNCOVERED_AFTER_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what one frame tells: mean luminance and its standard deviation, both in [0, 1]."""

    at_s: float
    brightness: float
    spread: float

    @property
    def black(self) -> bool:
        """Whether there is nothing to be seen: dark, and without shape."""
        return self.brightness <= _BLACK and self.spread <= _FLAT

    @property
    def seeing(self) -> bool:
        """Whether there is light or shape again."""
        return self.brightness >= _SEEING or self.spread >= 1.5 * _FLAT


def look(image_rgb: ImageRgb, at_s: float) -> Look:
    """Measure a frame, from every eighth pixel each way; luminance after ITU-R BT.601."""
    luminance = image_rgb[::_STEP_PX, ::_STEP_PX] @ np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255.0)
    return Look(at_s, float(luminance.mean()), float(luminance.std()))


class Cover:
    """Follow one camera. Pure: no clock, no effects.

    Covered: the picture went from seeing to black and flat within half a second, and stays so for one. Uncovered:
    it sees again for 0.3 s. A few black frames, a light that fades and a camera that starts in the dark are none.

    Attributes:
        covered: whether a hand is over the lens.
    """

    def __init__(self) -> None:
        self.covered = False
        self._bright: Look | None = None  # the last frame that saw enough for its loss to be a drop
        self._dropped_s: float | None = None
        self._seeing_s: float | None = None

    def judge(self, now: Look) -> bool | None:
        """Return True when a hand has covered the lens, False when it has left, None without news."""
        return self._judge_covered(now) if self.covered else self._judge_open(now)

    def _judge_open(self, now: Look) -> bool | None:
        if not now.black:
            self._dropped_s = None
            if now.brightness >= _BLACK + _DROP or now.spread >= 2 * _FLAT:
                self._bright = now
            return None
        if self._dropped_s is None:
            sudden = self._bright is not None and now.at_s - self._bright.at_s <= _DROP_WITHIN_S
            if not sudden:
                return None
            self._dropped_s = now.at_s
        if now.at_s - self._dropped_s < _COVERED_AFTER_S:
            return None
        self.covered, self._seeing_s = True, None
        return True

    def _judge_covered(self, now: Look) -> bool | None:
        if not now.seeing:
            self._seeing_s = None
            return None
        if self._seeing_s is None:
            self._seeing_s = now.at_s
        if now.at_s - self._seeing_s < _UNCOVERED_AFTER_S:
            return None
        self.covered, self._dropped_s = False, None
        return False
