"""Notice a picture without any detail: a dirty or steamed-up lens, or one that is out of focus."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from assistant.types import ImageRgb

_SIDE_PX: Final = 160  # what is blurred even at this size hides a face's movements
_LEAST_CONTRAST: Final = 12.0  # levels of 255, standard deviation: a bare wall shows no detail through any lens
_BLURRED: Final = 0.035
_SHARP: Final = 0.05
"""Share of detail in contrast below which a picture is blurred, and above which it is sharp again.

Measured with `detail` on 192 pictures of ../shared (every eighth portrait of congress, every third of london, every
25th frame of four clips). As they are, 191 have 0.087 or more, and one, of an empty scene, 0.015. Under a Gaussian blur
of 1.2 % of the longer side, 8 px of 640, all are below 0.042 and 95 % below 0.035; from 1.6 % on all are.
"""
_LOOK_S: Final = 0.5
_AFTER_S: Final = 10.0  # of blurred looks without a sharp one: heads turn, and autofocus searches, for less


def detail(image_rgb: ImageRgb) -> float | None:
    """Return how much of a picture's contrast is fine detail; None where there is too little contrast to tell."""
    height_px, width_px = image_rgb.shape[:2]
    share = _SIDE_PX / max(height_px, width_px)
    size = (max(round(width_px * share), 1), max(round(height_px * share), 1))
    green = np.ascontiguousarray(image_rgb[:, :, 1])
    small = cv2.resize(green, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = float(small.std())
    if contrast < _LEAST_CONTRAST:
        return None
    return float((small - cv2.GaussianBlur(small, (0, 0), 1.0)).std()) / contrast


class Sharpness:
    """Follow one camera: twice a second it looks for detail.

    Attributes:
        blurred: whether nothing sharp was seen for ten seconds in which there was something to see.
    """

    def __init__(self) -> None:
        self.blurred = False
        self._looked_s: float | None = None
        self._blurred_for_s = 0.0

    def judge(self, image_rgb: ImageRgb, now_s: float) -> bool:
        """Take in a frame; return `blurred`."""
        since_s = _LOOK_S if self._looked_s is None else now_s - self._looked_s
        if 0 <= since_s < _LOOK_S:
            return self.blurred
        self._looked_s = now_s
        found = detail(image_rgb)
        if found is None:
            return self.blurred
        if found >= (_SHARP if self.blurred else _BLURRED):
            self.blurred, self._blurred_for_s = False, 0.0
        else:
            self._blurred_for_s += min(max(since_s, 0.0), 2 * _LOOK_S)  # nobody saw what was between two far looks
            self.blurred = self.blurred or self._blurred_for_s >= _AFTER_S
        return self.blurred
