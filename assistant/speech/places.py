"""Say where a face is: the hour of a clock, and how far away."""

from __future__ import annotations

import math
from typing import Final

from assistant.types import Face

_FACE_WIDTH_M: Final = 0.15  # bizygomatic breadth of adults is 0.12 to 0.15 m; the detector's box is a little wider
_WIDEST_DEG: Final = 170.0  # a pinhole camera ends before 180


def focal_px(frame_width_px: int, hfov_deg: float) -> float:
    """Return the focal length in pixels of a pinhole camera that sees `hfov_deg` from left to right."""
    return frame_width_px / 2 / math.tan(math.radians(min(hfov_deg, _WIDEST_DEG)) / 2)


def hour(face: Face, frame_width_px: int, hfov_deg: float) -> int:
    """Return the clock direction, 0 to 11: 0 is twelve o'clock, straight ahead; an hour is 30 degrees to the right."""
    right_px = (face.box_xyxy[0] + face.box_xyxy[2]) / 2 - frame_width_px / 2
    angle_deg = math.degrees(math.atan2(right_px, focal_px(frame_width_px, hfov_deg)))
    return round(angle_deg / 30) % 12


def distance_m(face: Face, frame_width_px: int, hfov_deg: float) -> float:
    """Return about how far a face is, from its width in the picture; good to a third or so."""
    return _FACE_WIDTH_M * focal_px(frame_width_px, hfov_deg) / max(face.width_px, 1.0)


def pan(face: Face, frame_width_px: int) -> float:
    """Return where to hear it: -1 at the left edge of the picture, 1 at the right."""
    middle = (face.box_xyxy[0] + face.box_xyxy[2]) / 2
    return min(max(2 * middle / frame_width_px - 1, -1.0), 1.0)
