"""Find faces with MediaPipe's BlazeFace models on a plain tensor runner.

Decoding follows the models' published graphs (Bazarevsky et al., BlazeFace, 2019): anchors are cell centres of
fixed size 1, a box and six keypoints are offsets in input pixels, and overlapping boxes are averaged by score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.types import Face, Floats, Frame, ImageRgb, TensorRunner
from assistant.vision.pose import head_pose

SURE: Final = 0.6
"""Confidence from which the near-range model's answer is taken where it is asked alone."""
# (stride in input pixels, anchors a cell) of each model, by its input size.
_GRIDS: Final[dict[int, tuple[tuple[int, int], ...]]] = {128: ((8, 2), (16, 6)), 192: ((4, 1),)}
_OVERLAP: Final = 0.3  # intersection over union from which two boxes are one face, as in the published graphs
_MIRRORED: Final = [0, 3, 2, 1, 4, 7, 8, 5, 6, 9, 10, 11, 12, 15, 16, 13, 14]  # columns with left and right swapped
_MOST_ROLL_DEG: Final = 50.0  # the models know upright faces; what is tilted more was letters, on its side, not people
_NESTED: Final = 0.7  # share of the smaller box inside the larger from which both are one face
_LEAST_LOGIT: Final = -80.0  # exp of more overflows float32

# Measured with one face pasted at known sizes: the short-range model is sure of faces from 16 pixels of its input,
# the full-range model from 10, and less sure but not blind down to 8.
_SHARP_PX: Final = 24.0  # input pixels, and
_SHARP_SCORE: Final = 0.8  # confidence, from which the first look is good enough to keep: boxes below are too wide
_HINT_SCORE: Final = 0.3  # full-range confidence worth a second look; the second look decides
_WIDE_LOOK: Final = 4.0  # side of the second look in face widths: the face has 32 input pixels, and room to move
_CLOSE_LOOK: Final = 2.5  # and of the third, at a new face
_HYSTERESIS: Final = 0.2  # by how much less a face of the frame before must convince
_HELD: Final = 0.75  # intersection over union of a face and its hint from which the hint still serves
_FRESH_S: Final = 0.1  # a hint so old still points at a face: one that walks by at a metre moves by half its width
_MOST_LOOKS: Final = 8  # hints followed up in a frame, about 1.3 ms each
_TIGHT_PX: Final = 192  # longer side that a tightly cut picture is brought to before it is looked at
_TURNS_DEG: Final = (0.0, -20.0, 20.0)  # looks that vote on such a picture: the face is turned so far,
_SIDES: Final = (1.15, 1.5, 2.0)  # the look is so many times as wide as the picture, and each is mirrored too
_FAINT: Final = 0.15  # confidence that counts as a vote
_LEAST_VOTE: Final = 0.35  # mean of all looks, 0 where one sees nothing there, from which a face is believed
_TILE: Final = 2 / 3  # side of a tile as a share of the picture's shorter side: 27 pixels of face at 1280x720
_TILE_STEP: Final = 0.85  # of a tile's side; neighbours overlap by more than the face only a tile can see


@dataclass(frozen=True, slots=True)
class _Square:
    """A square part of the picture in pixels; may reach beyond it."""

    left: float
    top: float
    side: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is remembered of a frame."""

    source: str
    width: int
    height: int
    index: int
    captured_at_s: float

    def follows(self, last: _Seen) -> bool:
        """Return whether this frame continues another."""
        return (last.source, last.width, last.height) == (
            self.source,
            self.width,
            self.height,
        ) and last.index < self.index


class BlazeFaceDetector:
    """Detect faces near and far by looking twice.

    The short-range model looks at the whole picture and keeps what it sees sharply: faces from a fifth of the
    picture's width. Hints of smaller ones come from the full-range model and from the frame before; the short-range
    model looks at each closely and decides, so that far faces have landmarks as good as near ones.

    The full-range model looks at one square a frame, in turn the whole picture and one tile of it, because all would
    cost five times as much; a new face at 5 m is found within about a dozen frames and then seen in every one. The
    first frame of a source, and any picture that does not follow the last one, is searched completely and owes nothing
    to what was seen before.

    The full-range model looks in a thread of its own, and its hints are followed in the next frame, so that nobody
    waits for it where there are two cores. While nobody is near, the short-range model looks at the whole picture in
    every other frame. Where frames come slowly, nothing is put off. What is found depends on the frames and their
    times alone. Blocks the caller; not thread-safe.

    Args:
        short: runner of `models/blazeface_short`, input (1, 128, 128, 3) float32.
        full: runner of `models/blazeface_full`, input (1, 192, 192, 3) float32, or None for near faces only.
        min_score: least confidence in [0, 1] of a face that is reported; 0.7 because moving letters and
            clouds scored up to 0.69, and real faces of all sizes mostly above 0.85.
    """

    def __init__(self, short: TensorRunner, full: TensorRunner | None = None, min_score: float = 0.7) -> None:
        self._short, self._full = short, full
        self._anchors = {size: _anchors(size) for size in _GRIDS}
        self._min_score = min_score
        self._last: _Seen | None = None
        self._searching: Future[Floats] | None = None
        self._near = False
        self._seen: Floats = _no_rows()
        self._followed: Floats = _no_rows()  # the hints that led to them
        self._turn = 0
        self._far = ThreadPoolExecutor(1, "look-far")  # starts its thread at the first use, and ends it with itself

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, best first, with landmarks and head pose."""
        image = frame.image_rgb
        height, width = image.shape[:2]
        fresh = self._continues(frame)
        skip = fresh and self._turn % 2 == 0 and not self._near and self._full is not None
        far = self._look_far(image, fresh)
        whole = _no_rows() if skip else self._find(self._short, image, _whole(width, height), _HINT_SCORE)
        wide = (whole[:, 3] - whole[:, 1]) * 128 >= _SHARP_PX * max(width, height)
        sharp = wide & (whole[:, 0] >= max(_SHARP_SCORE, self._min_score))
        found = whole[sharp]
        self._near = len(found) > 0
        near = [hint for hint in self._anchored() if not _known(hint, found)]  # faces of the frame before come first
        known = np.concatenate([found, self._seen])
        near += [hint for hint in _merge(whole[~sharp]) if not _known(hint, known)]
        known = np.concatenate([found, *(hint[None] for hint in near)])
        looks = [(hint, self._decide(image, hint)) for hint in near[:_MOST_LOOKS]]
        hints = [hint for hint in _merge(far.result()) if not _known(hint, known)]
        looks += [(hint, self._decide(image, hint)) for hint in hints[: _MOST_LOOKS - len(looks)]]
        self._followed = np.concatenate([_no_rows(), *(hint[None] for hint, rows in looks if len(rows))])
        self._seen = _without_nested(_merge(np.concatenate([found, *(rows for _, rows in looks)])))
        return tuple(_face(row, width, height) for row in self._seen)

    def _anchored(self) -> list[Floats]:
        """Return hints of the faces of the frame before.

        A face that hardly moved is looked at in the same square as before, so that a still face stays still.
        """
        hints = []
        for row in self._seen:
            overlaps = _overlap(row[1:5], self._followed[:, 1:5])
            held = len(overlaps) > 0 and overlaps.max() >= _HELD
            hints.append(self._followed[overlaps.argmax()] if held else row)
        return hints

    def _continues(self, frame: Frame) -> bool:
        """Return whether what was seen in the frame before is still fresh; forget all if this is another source."""
        (height, width), last = frame.image_rgb.shape[:2], self._last
        self._last = now = _Seen(frame.source, width, height, frame.index, frame.captured_at_s)
        if last is None or not now.follows(last):
            self._seen, self._followed, self._turn, self._searching = _no_rows(), _no_rows(), 0, None
            return False
        return now.captured_at_s - last.captured_at_s <= _FRESH_S

    def _look_far(self, image_rgb: ImageRgb, fresh: bool) -> Future[Floats]:
        """Begin to search a picture for far faces; return the search whose hints are followed in it.

        It is that of the frame before where that is fresh enough.
        """
        height, width = image_rgb.shape[:2]
        before = self._searching
        self._searching = self._far.submit(self._search, image_rgb, self._squares(width, height))
        return before if before is not None and fresh else self._searching

    def _search(self, image_rgb: ImageRgb, squares: Sequence[_Square]) -> Floats:
        """Return where far faces may be, (N, 17)."""
        if self._full is None:
            return _no_rows()
        return np.concatenate([self._find(self._full, image_rgb, square, _HINT_SCORE) for square in squares])

    def _squares(self, width: int, height: int) -> list[_Square]:
        """Return what the full-range model looks at: everything at first, then in turn the whole and a tile."""
        whole, tiles = _whole(width, height), _tiles(width, height)
        turn, self._turn = self._turn, self._turn + 1
        if turn == 0:
            return [whole, *tiles]
        if turn % 2 and tiles:
            return [tiles[turn // 2 % len(tiles)]]
        return [whole]

    def _decide(self, image_rgb: ImageRgb, hint: Floats) -> Floats:
        """Look closely where a face may be; return its row, (1, 17), or none, (0, 17).

        A face of the frame before is kept on a lower score, so that it does not flicker. A new one must convince twice,
        the second time mirrored and closer: letters and clouds that resemble a face seldom do.
        """
        rows = self._look(image_rgb, hint, _WIDE_LOOK)
        if not len(rows) or _known(rows[0], self._seen):
            return rows
        again = self._look(image_rgb, rows[0], _CLOSE_LOOK, mirrored=True)
        again[:, 0] = (again[:, 0] + rows[0, 0]) / 2
        return again[(again[:, 0] >= self._min_score) & _upright(again)]

    def _look(self, image_rgb: ImageRgb, hint: Floats, widths: float, mirrored: bool = False) -> Floats:
        """Return the nearest candidate, (1, 17), or none, in a square of so many face widths around a hint."""
        centre, size = (hint[1:3] + hint[3:5]) / 2, max(float(hint[3] - hint[1]), 4.0)
        left, top = (float(value) for value in centre - widths / 2 * size)
        square, min_score = _Square(left, top, widths * size), self._min_score - _HYSTERESIS
        rows = _merge(self._find(self._short, image_rgb, square, min_score, mirrored))
        away = np.abs((rows[:, 1:3] + rows[:, 3:5]) / 2 - centre).max(1)
        return rows[np.argsort(away)][:1] if (away < size).any() else _no_rows()

    def vote(self, image_rgb: ImageRgb, side_px: float) -> Floats | None:
        """Look at the middle of a picture in many ways, and return the face that most looks agree on.

        Args:
            image_rgb: (H, W, 3) uint8 RGB, with a border to look into.
            side_px: longer side of what lies inside the border.

        Returns:
            (17,) mean score of all looks, box and landmarks in pixels; None where too few agree.
        """
        height, width = image_rgb.shape[:2]
        middle = ((width - 1) / 2, (height - 1) / 2)
        looks = []
        for turn in _TURNS_DEG:
            matrix = cv2.getRotationMatrix2D(middle, turn, 1.0)
            turned = cv2.warpAffine(image_rgb, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
            inverse = cv2.invertAffineTransform(matrix)
            for side, mirrored in product((side_px * wide for wide in _SIDES), (False, True)):
                square = _Square((width - side) / 2, (height - side) / 2, side)
                found = _merge(self._find(self._short, np.asarray(turned, np.uint8), square, _FAINT, mirrored))
                looks.append(_turned_back(found, inverse))
        return _elected(looks)

    def _find(
        self, runner: TensorRunner, image_rgb: ImageRgb, square: _Square, min_score: float, mirrored: bool = False
    ) -> Floats:
        """Run a model on a square; return its candidates, (N, 17): score, x1 y1 x2 y2, six landmarks, in pixels."""
        size_px = runner.inputs[0].shape[1]
        sample = _sample(image_rgb, square, size_px)
        if mirrored:
            sample = np.ascontiguousarray(sample[:, :, ::-1])
        rows = _decode(runner.run(sample), self._anchors[size_px], min_score)
        if mirrored:
            rows = rows[:, _MIRRORED]
            rows[:, 1::2] = size_px - rows[:, 1::2]
        rows[:, 1:] *= square.side / size_px
        rows[:, 1::2] += square.left
        rows[:, 2::2] += square.top
        return rows


def locate_in_crop(detector: BlazeFaceDetector, image_rgb: ImageRgb) -> Face | None:
    """Find the one face of a tightly cut picture, 48x48 and up, by padding and enlarging it first.

    Where one look is not enough, several vote: of other widths, turned and mirrored. A close cut, a dark one or a
    tilted head leads single looks astray, and seldom most of them to the same place.

    Args:
        detector: of near faces, with a `min_score` of `SURE`.
        image_rgb: (H, W, 3) uint8 RGB.

    Returns:
        The face in the picture's own pixels, or None; then use `align.whole_image_landmarks`. The score of a face that
        was voted for is the mean of all looks.
    """
    height, width = image_rgb.shape[:2]
    scale = _TIGHT_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image_rgb, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    pad = 56
    faces = detector.detect(Frame(0, 0.0, _padded(resized, pad)))
    if faces:
        face = max(faces, key=lambda found: found.width_px)
    else:
        pad = math.ceil((max(_SIDES) - 1.0) / 2.0 * _TIGHT_PX) + 16
        row = detector.vote(_padded(resized, pad), _TIGHT_PX)
        if row is None:
            return None
        face = _face(row, size[0] + 2 * pad, size[1] + 2 * pad)
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    box = (np.asarray(face.box_xyxy, np.float32) - pad) * np.tile(ratio, 2)
    limit = np.array([width, height, width, height], np.float32)
    x1, y1, x2, y2 = (float(value) for value in np.clip(box, 0, limit))
    landmarks = np.asarray((face.landmarks_xy - pad) * ratio, np.float32)
    return replace(face, box_xyxy=(x1, y1, x2, y2), landmarks_xy=landmarks)


def _padded(image_rgb: ImageRgb, pad: int) -> ImageRgb:
    """Return a picture with a border that repeats its edge."""
    return np.asarray(cv2.copyMakeBorder(image_rgb, pad, pad, pad, pad, cv2.BORDER_REPLICATE), np.uint8)


def _turned_back(rows: Floats, inverse: npt.NDArray[np.float64]) -> Floats:
    """Return candidates of a turned picture in the pixels of the upright one; boxes keep their size."""
    points = rows[:, 1:].reshape(len(rows), 8, 2).astype(np.float64)
    half = (points[:, 1] - points[:, 0]) / 2
    points[:, 0] = (points[:, 0] + points[:, 1]) / 2
    points = points @ inverse[:, :2].T + inverse[:, 2]
    points[:, 0], points[:, 1] = points[:, 0] - half, points[:, 0] + half
    return np.concatenate([rows[:, :1], points.reshape(len(rows), 16)], 1).astype(np.float32)


def _anchors(size_px: int) -> Floats:
    """Return anchor centres, (N, 2) float32 in input pixels, in the order of the model's outputs."""
    rows = []
    for stride, each in _GRIDS[size_px]:
        cells = (np.arange(size_px // stride, dtype=np.float32) + 0.5) * stride
        y, x = np.meshgrid(cells, cells, indexing="ij")
        rows.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), each, axis=0))
    return np.concatenate(rows)


def _no_rows() -> Floats:
    """Return no candidates, (0, 17) float32."""
    return np.zeros((0, 17), np.float32)


def _whole(width: int, height: int) -> _Square:
    """Return the smallest square around a picture."""
    side = max(width, height)
    return _Square((width - side) / 2, (height - side) / 2, side)


@lru_cache(maxsize=4)
def _tiles(width: int, height: int) -> tuple[_Square, ...]:
    """Return overlapping squares that cover a picture; none where the model would only see enlarged pixels."""
    side = round(min(width, height) * _TILE)
    if side < 192:
        return ()
    lefts, tops = (
        np.linspace(0, length - side, min(8, 1 + math.ceil((length - side) / (side * _TILE_STEP))))
        for length in (width, height)
    )
    return tuple(_Square(float(left), float(top), side) for top in tops for left in lefts)


def _sample(image_rgb: ImageRgb, square: _Square, size_px: int) -> npt.NDArray[np.float32]:
    """Sample a square of a picture, black outside, as (1, S, S, 3) float32 in [-1, 1].

    Shrinks by a whole factor first, by averaging, because bilinear sampling alone would alias.
    """
    height, width = image_rgb.shape[:2]
    x1, y1 = max(0, math.floor(square.left) - 1), max(0, math.floor(square.top) - 1)
    x2, y2 = min(width, math.ceil(square.left + square.side) + 1), min(height, math.ceil(square.top + square.side) + 1)
    if x1 >= x2 or y1 >= y2:
        return np.full((1, size_px, size_px, 3), -1.0, np.float32)
    scale = size_px / square.side
    factors = [max(1, min(int(1 / scale), length)) for length in (x2 - x1, y2 - y1)]
    small = ((x2 - x1) // factors[0], (y2 - y1) // factors[1])
    region = image_rgb[y1 : y1 + small[1] * factors[1], x1 : x1 + small[0] * factors[0]]
    if max(factors) > 1:
        region = _shrunk(region, small)
    starts = (x1 - square.left, y1 - square.top)
    shifts = [(start + factor / 2) * scale - 0.5 for start, factor in zip(starts, factors, strict=True)]
    matrix = np.array([[factors[0] * scale, 0, shifts[0]], [0, factors[1] * scale, shifts[1]]], np.float64)
    sampled = cv2.warpAffine(region, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR)
    values: npt.NDArray[np.float32] = np.divide(sampled[None], 127.5, dtype=np.float32)
    values -= 1.0
    return values


def _shrunk(region: ImageRgb, size: tuple[int, int]) -> ImageRgb:
    """Return a picture averaged down to a size that divides its own; by halves first, which OpenCV does far faster."""
    height, width = region.shape[:2]
    while width % (2 * size[0]) == 0 and height % (2 * size[1]) == 0:
        width, height = width // 2, height // 2
        region = np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if (width, height) == size:
        return region
    return np.asarray(cv2.resize(region, size, interpolation=cv2.INTER_AREA), np.uint8)


def _decode(outputs: Sequence[npt.NDArray[Any]], anchors: Floats, min_score: float) -> Floats:
    """Return candidates, (N, 17) float32: score, x1 y1 x2 y2, six landmarks, in input pixels."""
    regressors = next(out for out in outputs if out.shape[-1] == 16)[0]
    logits = next(out for out in outputs if out.shape[-1] == 1)[0, :, 0]
    keep = np.flatnonzero(logits >= _logit(min_score))  # few of thousands: the rest is not worth an exponential
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[keep], _LEAST_LOGIT, -_LEAST_LOGIT)))
    raw, centre = regressors[keep], anchors[keep]
    middle, half = raw[:, 0:2] + centre, raw[:, 2:4] / 2
    points = (raw[:, 4:].reshape(-1, 6, 2) + centre[:, None]).reshape(-1, 12)
    return np.concatenate([scores[:, None], middle - half, middle + half, points], 1).astype(np.float32)


def _logit(score: float) -> float:
    """Return what the logistic function takes to a score."""
    return math.log(score / (1.0 - score)) if 0.0 < score < 1.0 else math.copysign(math.inf, score - 0.5)


def _merge(rows: Floats) -> Floats:
    """Average candidates of one face by score, best first (the models' weighted non-maximum suppression)."""
    if len(rows) < 2:
        return rows
    merged = [_no_rows()]
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    while len(rows):
        same = _overlap(rows[0, 1:5], rows[:, 1:5]) > _OVERLAP
        same[0] = True
        weight = rows[same, :1]
        face = (rows[same] * weight).sum(0) / weight.sum()
        face[0] = rows[0, 0]
        merged.append(face[None])
        rows = rows[~same]
    return np.concatenate(merged)


def _elected(looks: Sequence[Floats]) -> Floats | None:
    """Return the candidate that has most votes, averaged over those who voted for it, (17,), or None.

    Args:
        looks: candidates of each look, (N, 17); one look gives a face one vote, its score.
    """
    rows = np.concatenate(looks)
    voter = np.repeat(np.arange(len(looks)), [len(found) for found in looks])
    best, elected = _LEAST_VOTE, None
    for row in rows:
        same = _overlap(row[1:5], rows[:, 1:5]) > _OVERLAP
        votes = np.zeros(len(looks))
        np.maximum.at(votes, voter[same], rows[same, 0])
        if votes.mean() > best:
            best, weight = float(votes.mean()), rows[same, :1]
            elected = (rows[same] * weight).sum(0) / weight.sum()
            elected[0] = best
    return elected


def _upright(rows: Floats) -> npt.NDArray[np.bool_]:
    """Return which faces are tilted no more than the models can judge, (N,) bool."""
    rolls = [head_pose(row[5:].reshape(6, 2))[2] for row in rows]
    return np.abs(np.array(rolls, np.float64)) <= _MOST_ROLL_DEG


def _known(hint: Floats, found: Floats) -> bool:
    """Return whether a candidate is one of the faces already found."""
    return len(found) > 0 and bool((_overlap(hint[1:5], found[:, 1:5]) > _OVERLAP).any())


def _overlap(box: Floats, boxes: Floats) -> Floats:
    """Return the intersection over union of one box with others, (N,) float32."""
    area, areas = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(1)
    inside = _inside(box, boxes)
    return np.asarray(inside / np.maximum(area + areas - inside, 1e-6), np.float32)


def _inside(box: Floats, boxes: Floats) -> Floats:
    """Return the area that one box shares with others, (N,) float32."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(1), np.float32)


def _without_nested(rows: Floats) -> Floats:
    """Drop a box that lies inside a better one or around it: one face seen at two sizes."""
    if len(rows) < 2:
        return rows
    kept = _no_rows()
    for row in rows:
        areas = np.minimum((row[3:5] - row[1:3]).prod(), (kept[:, 3:5] - kept[:, 1:3]).prod(1))
        if not (_inside(row[1:5], kept[:, 1:5]) > _NESTED * areas).any():
            kept = np.concatenate([kept, row[None]])
    return kept


def _face(row: Floats, width: int, height: int) -> Face:
    """Build a face from a row of `_merge`, its box clipped to the picture."""
    x1, y1, x2, y2 = (float(v) for v in np.clip(row[1:5], 0, [width, height, width, height]))
    landmarks = row[5:].reshape(6, 2).astype(np.float32)
    yaw, pitch, roll = head_pose(landmarks)
    return Face((x1, y1, x2, y2), landmarks, float(row[0]), 0, yaw, pitch, roll)
