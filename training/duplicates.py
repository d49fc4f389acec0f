"""Find pictures that repeat: the same photograph cut, scaled, compressed or mirrored again.

Whole pictures are compared, not aligned faces: aligned faces of different people look alike at this size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.types import Floats, ImageRgb

SIDE: Final = 12
ALIKE: Final = 0.985
"""Correlation of two thumbnails from which they are one photograph."""
_BLOCK: Final = 1024  # rows; one block against all others of 40,000 holds 160 MB
_FLAT: Final = 4.0  # grey levels of deviation below which a thumbnail shows nothing to compare

Thumbnails = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pair:
    """Hold two rows that repeat each other."""

    one: int
    other: int
    correlation: float
    mirrored: bool


def thumbnail(image_rgb: ImageRgb) -> Thumbnails:
    """Return the whole picture's luminance as (12, 12) uint8."""
    grey = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def find_pairs(thumbnails: Thumbnails, groups: npt.NDArray[np.int64]) -> Iterator[Pair]:
    """Yield pairs of rows of different groups that repeat each other, also mirrored, in a fixed order.

    Every group that touches another gives at least one pair with it; further pairs of the same two groups within a
    block are left out, so that clips of one person do not give millions.

    Args:
        thumbnails: (N, 12, 12) uint8.
        groups: (N,) int64, what is already known to belong together.
    """
    values, flat = _normalised(thumbnails)
    mirror, _ = _normalised(thumbnails[:, :, ::-1])
    for start in range(0, len(values), _BLOCK):
        stop = min(start + _BLOCK, len(values))
        for table, mirrored in ((values, False), (mirror, True)):
            alike = table[start:stop] @ values[start:].T
            rows, columns = np.nonzero(alike > ALIKE)
            one, other = rows + start, columns + start
            keep = (one < other) & (groups[one] != groups[other]) & ~flat[one] & ~flat[other]
            one, other = one[keep], other[keep]
            _, first = np.unique(np.stack([groups[one], groups[other]], 1), axis=0, return_index=True)
            for index in np.sort(first):
                a, b = int(one[index]), int(other[index])
                yield Pair(a, b, float(alike[a - start, b - start]), mirrored)


def _normalised(thumbnails: Thumbnails) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return rows of mean 0 and length 1, (N, 144) float32, whose products are correlations; and which are flat."""
    values = np.ascontiguousarray(thumbnails).reshape(len(thumbnails), -1).astype(np.float32)
    values -= values.mean(1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    flat = length[:, 0] < _FLAT * SIDE
    return np.asarray(values / np.maximum(length, 1e-6), np.float32), flat
