"""Find faces with MediaPipe's BlazeFace models on a plain tensor runner.

Decoding follows the models' published graphs (Bazarevsky et al., BlazeFace, 2019): anchors are cell centres of
fixed size 1, a box and six keypoints are offsets in input pixels, and overlapping boxes are averaged by score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.types import Face, Floats, Frame, ImageRgb, TensorRunner
from assistant.vision.pose import head_pose

# (stride in input pixels, anchors a cell) of each model, by its input size.
_GRIDS: Final[dict[int, tuple[tuple[int, int], ...]]] = {128: ((8, 2), (16, 6)), 192: ((4, 1),)}
_OVERLAP: Final = 0.3  # intersection over union from which two boxes are one face, as in the published graphs
_LARGEST_LOGIT: Final = 80.0  # exp() of more overflows float32


@dataclass(frozen=True, slots=True)
class _View:
    """Where a square input lies in the picture: picture = input * scale + offset."""

    scale: float
    left: float
    top: float


class BlazeFaceDetector:
    """Detect faces with the short-range model, and with the full-range one where it is given.

    The short-range model sees faces from about a fifth of the picture's width; the full-range model adds those
    farther away. Blocks the caller for both runs; not thread-safe.

    Args:
        short: runner of `models/blazeface_short`, input (1, 128, 128, 3) float32.
        full: runner of `models/blazeface_full`, input (1, 192, 192, 3) float32, or None.
        min_score: least confidence in [0, 1] of a face that is reported; 0.6 by measurement on clips without faces.
    """

    def __init__(self, short: TensorRunner, full: TensorRunner | None = None, min_score: float = 0.6) -> None:
        self._runners = [short] if full is None else [short, full]
        self._anchors = [_anchors(runner.inputs[0].shape[1]) for runner in self._runners]
        self._min_score = min_score

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, best first, with landmarks and head pose."""
        rows = [
            _decode(runner, anchors, frame.image_rgb, self._min_score)
            for runner, anchors in zip(self._runners, self._anchors, strict=True)
        ]
        height, width = frame.image_rgb.shape[:2]
        return tuple(_face(row, width, height) for row in _merge(np.concatenate(rows)))


def locate_in_crop(detector: BlazeFaceDetector, image_rgb: ImageRgb) -> Face | None:
    """Find the one face of a tightly cut picture, 48x48 and up, by padding and enlarging it first.

    Returns:
        The largest face in the picture's own pixels, or None; then use `align.whole_image_landmarks`.
    """
    height, width = image_rgb.shape[:2]
    scale = 192.0 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image_rgb, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    pad = 56
    padded = cv2.copyMakeBorder(resized, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    faces = detector.detect(Frame(0, 0.0, np.asarray(padded, np.uint8)))
    if not faces:
        return None
    face = max(faces, key=lambda found: found.width_px)
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    box = (np.asarray(face.box_xyxy, np.float32) - pad) * np.tile(ratio, 2)
    limit = np.array([width, height, width, height], np.float32)
    x1, y1, x2, y2 = (float(value) for value in np.clip(box, 0, limit))
    landmarks = np.asarray((face.landmarks_xy - pad) * ratio, np.float32)
    return replace(face, box_xyxy=(x1, y1, x2, y2), landmarks_xy=landmarks)


def _anchors(size_px: int) -> Floats:
    """Return anchor centres, (N, 2) float32 in input pixels, in the order of the model's outputs."""
    rows = []
    for stride, each in _GRIDS[size_px]:
        cells = (np.arange(size_px // stride, dtype=np.float32) + 0.5) * stride
        y, x = np.meshgrid(cells, cells, indexing="ij")
        rows.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), each, axis=0))
    return np.concatenate(rows)


def _letterbox(image_rgb: ImageRgb, size_px: int) -> tuple[npt.NDArray[np.float32], _View]:
    """Fit a picture into a square, black around it, as (1, S, S, 3) float32 in [-1, 1]."""
    height, width = image_rgb.shape[:2]
    scale = size_px / max(height, width)
    new = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image_rgb, new, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (size_px - new[0]) // 2, (size_px - new[1]) // 2
    square = np.zeros((1, size_px, size_px, 3), np.float32)
    square[0, top : top + new[1], left : left + new[0]] = small
    square = square / 127.5 - 1.0
    return square, _View(1.0 / scale, -left / scale, -top / scale)


def _decode(runner: TensorRunner, anchors: Floats, image_rgb: ImageRgb, min_score: float) -> Floats:
    """Return candidate rows (N, 17) float32: score, x1 y1 x2 y2, six landmarks, in picture pixels."""
    size_px = runner.inputs[0].shape[1]
    square, view = _letterbox(image_rgb, size_px)
    outputs = runner.run(square)
    regressors = next(out for out in outputs if out.shape[-1] == 16)[0]
    logits = next(out for out in outputs if out.shape[-1] == 1)[0, :, 0]
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    keep = scores >= min_score
    raw, centre = regressors[keep], anchors[keep]
    middle = raw[:, 0:2] + centre
    half = raw[:, 2:4] / 2
    points = (raw[:, 4:].reshape(-1, 6, 2) + centre[:, None]).reshape(-1, 12)
    pixels = np.concatenate([middle - half, middle + half, points], 1) * view.scale
    pixels[:, 0::2] += view.left
    pixels[:, 1::2] += view.top
    return np.concatenate([scores[keep, None], pixels], 1).astype(np.float32)


def _merge(rows: Floats) -> list[Floats]:
    """Average overlapping candidates by score, best first (the models' weighted non-maximum suppression)."""
    merged = []
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    while len(rows):
        same = _overlap(rows[0, 1:5], rows[:, 1:5]) > _OVERLAP
        weight = rows[same, :1]
        face = (rows[same] * weight).sum(0) / weight.sum()
        face[0] = rows[0, 0]
        merged.append(face)
        rows = rows[~same]
    return merged


def _overlap(box: Floats, boxes: Floats) -> Floats:
    """Return how far each box is the same face: intersection over union, or over the smaller box when one is inside."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    inside = np.clip(high - low, 0, None).prod(1)
    area, areas = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(1)
    union = np.maximum(area + areas - inside, 1e-6)
    contained = inside > 0.7 * np.minimum(area, areas)
    return np.asarray(np.where(contained, 1.0, inside / union), np.float32)


def _face(row: Floats, width: int, height: int) -> Face:
    """Build a face from a row of `_merge`, its box clipped to the picture."""
    x1, y1, x2, y2 = (float(v) for v in np.clip(row[1:5], 0, [width, height, width, height]))
    landmarks = row[5:].reshape(6, 2).astype(np.float32)
    yaw, pitch, roll = head_pose(landmarks)
    return Face((x1, y1, x2, y2), landmarks, float(row[0]), 0, yaw, pitch, roll)
