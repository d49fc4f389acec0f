"""Notice a camera that gives pictures without seeing: black or frozen."""

from __future__ import annotations

from typing import Final

import numpy as np

from assistant.types import ImageRgb

LOST: Final = "camera lost"
BACK: Final = "camera back"
BLACK: Final = "camera black"
FROZEN: Final = "camera frozen"
STATES: Final = (LOST, BACK, BLACK, FROZEN)
"""What a live camera tells through `on_state`; BACK ends each of the others."""

_STEP_PX: Final = 8
_BLACK: Final = 20  # of 255: limited-range video puts black at 16, and a covered lens adds a little noise
_BRIGHT_SHARE: Final = 0.995  # a dead pixel or a clock burnt in by the camera is not sight


class Watch:
    """Judge the frames of one live camera.

    Args:
        after_s: how long a camera may be black or give the very same picture; 3 s outlasts a hand before the lens.
            A sensor's noise makes two pictures of a working camera differ.
    """

    def __init__(self, after_s: float = 3.0) -> None:
        self._after_s = after_s
        self._sample = np.empty(0, np.uint8)
        self._changed_s = 0.0
        self._seen_s: float | None = None
        self._told = BACK

    def judge(self, image_rgb: ImageRgb, now_s: float) -> str | None:
        """Return the new state where it changed: BLACK, FROZEN or BACK; else None."""
        sample = image_rgb[::_STEP_PX, ::_STEP_PX].copy()
        black = bool(np.quantile(sample, _BRIGHT_SHARE) <= _BLACK)
        if not np.array_equal(sample, self._sample):
            self._sample = sample
            self._changed_s = now_s
        if self._seen_s is None or not black:
            self._seen_s = now_s
        state = BACK
        if now_s - self._seen_s >= self._after_s:
            state = BLACK
        elif now_s - self._changed_s >= self._after_s:
            state = FROZEN
        if state == self._told:
            return None
        self._told = state
        return state
