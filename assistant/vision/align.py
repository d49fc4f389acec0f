"""Cut a face out of a picture the same way in training and at run time.

One similarity transform (rotation, uniform scale, shift) takes the eyes and the mouth to fixed places of a square
crop; the crop is luminance only, standardised in brightness and contrast. See docs/adr for why grey.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.types import Floats, ImageRgb

GreyCrop = npt.NDArray[np.uint8]
"""(S, S) uint8 luminance."""

# Where the person's right eye, left eye and mouth centre lie in the unit crop. Eyes 0.38 apart leave room for
# raised brows above and most of a dropped jaw below; the mouth lies one eye distance and a bit below the eyes.
_TEMPLATE: Final = np.array([[0.31, 0.34], [0.69, 0.34], [0.50, 0.743]], np.float64)
_POINTS: Final = (0, 1, 3)

# Median place of eyes, nose, mouth and ears in tightly cut face pictures (FER2013), as a share of width and height:
# used when a picture is known to be one face but the detector finds none.
_WHOLE_IMAGE: Final = np.array(
    [[0.31, 0.38], [0.69, 0.38], [0.50, 0.56], [0.50, 0.75], [0.10, 0.45], [0.90, 0.45]], np.float32
)

CONTRAST: Final = 50.0
"""Grey levels of one standard deviation after `normalise` maps to 8 bits: 2.5 deviations either way before clipping."""

_LEAST_DEVIATION: Final = 8.0  # grey levels; keeps a blank crop from becoming amplified noise


def similarity(landmarks_xy: Floats, size_px: int, margin: float = 0.0) -> npt.NDArray[np.float64]:
    """Compute the least-squares similarity from a picture to the crop (Umeyama, PAMI 1991, without reflection).

    Args:
        landmarks_xy: (6, 2) pixels in BlazeFace's order.
        size_px: side of the crop.
        margin: extra border on each side as a share of the plain crop; training keeps some to rotate and shift in.

    Returns:
        (2, 3) float64: picture pixels to crop pixels. Degenerate landmarks give a tiny but finite scale.
    """
    points = np.asarray(landmarks_xy, np.float64)[list(_POINTS)]
    target = (_TEMPLATE + margin) / (1.0 + 2.0 * margin) * size_px
    p, t = points - points.mean(0), target - target.mean(0)
    spread = max(float((p**2).sum()), 1e-6)
    a = float((p * t).sum()) / spread
    b = float((p[:, 0] * t[:, 1] - p[:, 1] * t[:, 0]).sum()) / spread
    rotation = np.array([[a, -b], [b, a]])
    shift = target.mean(0) - rotation @ points.mean(0)
    return np.hstack([rotation, shift[:, None]])


def align_face(image_rgb: ImageRgb, landmarks_xy: Floats, size_px: int, margin: float = 0.0) -> GreyCrop:
    """Return the aligned luminance crop of one face.

    Args:
        image_rgb: (H, W, 3) uint8 RGB.
        landmarks_xy: (6, 2) pixels in BlazeFace's order.
        size_px: side of the crop in pixels.
        margin: see `similarity`.

    Returns:
        (size_px, size_px) uint8; what lies outside the picture repeats its edge.
    """
    matrix = similarity(landmarks_xy, size_px, margin)
    region, matrix = _region(image_rgb, matrix, size_px)
    grey = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5 and min(grey.shape) > 2:  # bilinear sampling alone would alias
        shrink = max(scale, 1.0 / min(grey.shape)) * 1.5
        width, height = max(1, round(grey.shape[1] * shrink)), max(1, round(grey.shape[0] * shrink))
        ratio = np.array([grey.shape[1] / width, grey.shape[0] / height])
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
        matrix = _from_shrunk(matrix, ratio)
    crop = cv2.warpAffine(grey, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


def normalise(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Standardise a crop, so that light and camera gain do not matter.

    Args:
        grey: (S, S) uint8.

    Returns:
        (S, S) float32: (value - mean) / deviation, rounded to 1 / `CONTRAST` and clipped to [-2.56, 2.54], so that
        it is exactly what an int8 input of scale 1 / `CONTRAST` and zero point 0 can hold.
    """
    values = grey.astype(np.float32)
    deviation = max(float(values.std()), _LEAST_DEVIATION)
    steps = np.rint((values - values.mean()) * (CONTRAST / deviation))
    return np.asarray(np.clip(steps, -128, 127) / CONTRAST, np.float32)


def whole_image_landmarks(height_px: int, width_px: int) -> Floats:
    """Return where the landmarks of a picture that is one tightly cut face usually lie.

    Returns:
        (6, 2) float32 pixels in BlazeFace's order.
    """
    return np.asarray(_WHOLE_IMAGE * np.array([width_px, height_px], np.float32), np.float32)


def _region(
    image_rgb: ImageRgb, matrix: npt.NDArray[np.float64], size_px: int
) -> tuple[ImageRgb, npt.NDArray[np.float64]]:
    """Cut the part of the picture that the crop samples, so that a large picture costs no more than a small one."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]], np.float64) @ inverse.T
    height, width = image_rgb.shape[:2]
    left = int(np.clip(np.floor(corners[:, 0].min()) - 2, 0, width - 1))
    top = int(np.clip(np.floor(corners[:, 1].min()) - 2, 0, height - 1))
    right = int(np.clip(np.ceil(corners[:, 0].max()) + 2, left + 1, width))
    bottom = int(np.clip(np.ceil(corners[:, 1].max()) + 2, top + 1, height))
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([left, top], np.float64)
    return image_rgb[top:bottom, left:right], moved


def _from_shrunk(matrix: npt.NDArray[np.float64], ratio: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn picture-to-crop into shrunk-picture-to-crop; pixel centres, not corners, correspond."""
    moved = matrix.copy()
    moved[:, :2] = matrix[:, :2] * ratio
    moved[:, 2] = matrix[:, 2] + matrix[:, :2] @ ((ratio - 1.0) / 2.0)
    return moved
