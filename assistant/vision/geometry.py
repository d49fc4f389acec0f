"""Say where a face is: its bearing and its distance, from its landmarks and the camera's field of view."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from assistant.types import Face
from assistant.vision.pose import landmark_scale

_EYES_M: Final = 0.063  # adults' eyes are 63 mm apart on average, 52 to 78 in all (Dodgson, SPIE 5291, 2004)
_EYES_MODEL_MM: Final = 63.0  # and so are those of the mean head that the landmarks are compared with
_BOX_M: Final = 0.15  # the detector's box is a little wider than a face, whose breadth is 0.12 to 0.15 m
_FRONT_MM: Final = 60.0  # the landmarks lie so far before the axis about which a head turns (measured on drawn heads)
_WIDEST_DEG: Final = 170.0  # a pinhole camera ends before 180
_LEAST_PX: Final = 1e-3


def focal_px(frame_width_px: int, hfov_deg: float) -> float:
    """Return the focal length in pixels of a pinhole camera that sees `hfov_deg` from left to right."""
    return frame_width_px / 2 / math.tan(math.radians(min(hfov_deg, _WIDEST_DEG)) / 2)


def bearing_deg(face: Face, frame_width_px: int, hfov_deg: float) -> float:
    """Return the direction of a head, 0 straight ahead, positive to the right.

    It is that of the axis about which it turns: the face of somebody who looks aside is beside that.
    """
    scale = landmark_scale(face.landmarks_xy)
    if scale is None:
        middle = (face.box_xyxy[0] + face.box_xyxy[2]) / 2
    else:
        before = scale * _FRONT_MM * math.sin(math.radians(face.yaw_deg))
        middle = float(np.mean(face.landmarks_xy[:, 0])) - before
    return math.degrees(math.atan2(middle - frame_width_px / 2, focal_px(frame_width_px, hfov_deg)))


def distance_m(face: Face, frame_width_px: int, hfov_deg: float, eyes_m: float = _EYES_M) -> float:
    """Return how far away a face is, along the camera's axis.

    The six landmarks are compared with those of a mean head in three dimensions, so that a turned head, whose eyes
    come together in the picture, is not taken for a far one. Heads differ by 6 % (one standard deviation).

    Args:
        face: with landmarks, else its box is measured.
        frame_width_px: of the picture.
        hfov_deg: what the camera sees from left to right.
        eyes_m: distance of the pupils.
    """
    focal = focal_px(frame_width_px, hfov_deg)
    scale = landmark_scale(face.landmarks_xy)
    if scale is None:
        return _BOX_M * focal / max(face.width_px, 1.0)
    return eyes_m * focal / max(scale * _EYES_MODEL_MM, _LEAST_PX)
