"""Notice a camera that gives pictures without seeing: black, frozen or blurred."""

from __future__ import annotations

from typing import Final

import numpy as np

from assistant.camera.sharpness import Sharpness
from assistant.types import ImageRgb

LOST: Final = "camera lost"
BACK: Final = "camera back"
BLACK: Final = "camera black"
FROZEN: Final = "camera frozen"
BLURRED: Final = "camera blurred"
STATES: Final = (LOST, BACK, BLACK, FROZEN, BLURRED)
"""What a live camera tells through `on_state`; BACK ends each of the others."""

_STEP_PX: Final = 8
_BLACK: Final = 20  # of 255: limited-range video puts black at 16, and a covered lens adds a little noise
_BRIGHT_SHARE: Final = 0.995  # a dead pixel or a clock burnt in by the camera is not sight


class Watch:
    """Judge the frames of one live camera.

    Args:
        after_s: how long a camera may be black or give the very same picture: the wearer knows within two seconds,
            and a hand that passes is gone before. A sensor's noise makes two pictures of a working camera differ.
    """

    def __init__(self, after_s: float = 1.75) -> None:
        self._after_s = after_s
        self._sharpness = Sharpness()
        self._sample = np.empty(0, np.uint8)
        self._changed_s = 0.0
        self._seen_s: float | None = None
        self._told = BACK

    def judge(self, image_rgb: ImageRgb, now_s: float) -> str | None:
        """Return the new state where it changed: BLACK, FROZEN, BLURRED or BACK; else None."""
        sample = image_rgb[::_STEP_PX, ::_STEP_PX].copy()
        black = bool(np.quantile(sample, _BRIGHT_SHARE) <= _BLACK)
        if not np.array_equal(sample, self._sample):
            self._sample = sample
            self._changed_s = now_s
        if self._seen_s is None or not black:
            self._seen_s = now_s
        state = BLURRED if self._sharpness.judge(image_rgb, now_s) else BACK
        if now_s - self._seen_s >= self._after_s:
            state = BLACK
        elif now_s - self._changed_s >= self._after_s:
            state = FROZEN
        if state == self._told:
            return None
        self._told = state
        return state
