"""Estimate where a head points from the detector's six landmarks."""

from __future__ import annotations

from typing import Final

import numpy as np

from assistant.types import Floats

# A mean head in millimetres, in BlazeFace's order; x to the right of the picture, y down, z away from the camera.
# Eyes, nose tip and mouth lie in front of the ears by what makes the pose observable.
_HEAD_MM: Final = np.array(
    [
        [-31.5, -26.0, -37.0],
        [31.5, -26.0, -37.0],
        [0.0, 8.0, -75.0],
        [0.0, 37.0, -59.0],
        [-76.6, -6.7, 24.4],
        [76.6, -6.7, 24.4],
    ],
    np.float64,
)
_SOLVE: Final = np.linalg.pinv(_HEAD_MM - _HEAD_MM.mean(0))
_LEAST_FLATNESS: Final = 1e-3  # share of the larger axis; below it the landmarks are a line and say nothing


def head_pose(landmarks_xy: Floats) -> tuple[float, float, float]:
    """Fit a mean head to the landmarks and read its angles.

    A scaled orthographic camera makes the projection linear, so that the best 2x3 matrix is one product; the nearest
    one with orthogonal rows of equal length is a rotation (the first step of DeMenthon & Davis, IJCV 1995; nearest by
    singular values as in Horn, Hilden & Negahdaripour, JOSA A 1988). The angles are those of turning the head
    left or right first, then up or down, then tilting it: R = Ry(yaw) Rx(pitch) Rz(roll).

    Args:
        landmarks_xy: (6, 2) pixels in BlazeFace's order.

    Returns:
        yaw, pitch, roll in degrees, signed as in `Face`: positive to the right of the picture, up, clockwise. All 0
        for landmarks that are no face: not finite, in one point or on one line.
    """
    points = np.asarray(landmarks_xy, np.float64)
    if not np.isfinite(points).all():
        return 0.0, 0.0, 0.0
    projection = (_SOLVE @ (points - points.mean(0))).T
    left, size, right = np.linalg.svd(projection, full_matrices=False)
    if size[1] <= _LEAST_FLATNESS * size[0]:
        return 0.0, 0.0, 0.0
    (xx, xy, xz), (yx, yy, yz) = left @ right  # the rotation's first two rows; the third is their cross product
    yaw = np.arctan2(-xz, xx * yy - xy * yx)
    pitch = np.arcsin(np.clip(yz, -1.0, 1.0))
    roll = np.arctan2(yx, yy)
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
