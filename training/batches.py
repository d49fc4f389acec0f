"""Draw training batches: which faces, changed how, with which targets. A (seed, stage, step) names a batch for good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER
from training.augment import Augmentation, augment, blend
from training.datasets.pseudo import BLENDSHAPES
from training.faces import Faces
from training.losses import EMOTIONS, Layout
from training.recipes import Stage

Floats = npt.NDArray[np.float32]

SHAPES: Final[tuple[tuple[str, ...], ...]] = (
    ("browInnerUp",),
    ("browDownLeft", "browDownRight"),
    ("browOuterUpLeft", "browOuterUpRight"),
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("eyeSquintLeft", "eyeSquintRight"),
    ("eyeWideLeft", "eyeWideRight"),
    ("jawOpen",),
    ("mouthFrownLeft", "mouthFrownRight"),
    ("mouthFunnel",),
    ("mouthLowerDownLeft", "mouthLowerDownRight"),
    ("mouthPressLeft", "mouthPressRight"),
    ("mouthPucker",),
    ("mouthRollLower",),
    ("mouthShrugLower",),
    ("mouthShrugUpper",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("mouthUpperUpLeft", "mouthUpperUpRight"),
)
"""Blendshapes that serve as extra supervision, left and right averaged so that a mirrored face keeps its targets."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Hold everything a batch is drawn from: N faces of the training split.

    Attributes:
        crops: (N, 144, 144) uint8, memory-mapped.
        rows: (M,) positions in `crops` of the faces below.
        units: (M, 18) float32 in [0, 1]; two annotators are averaged.
        unit_weight: (M, 18) float32, 0 where missing or unsure.
        soft: (M, 18) float32 teacher probabilities; 0 where none.
        soft_weight: (M, 18) float32.
        emotion: (M, 8) float32 votes.
        shapes: (M, K) float32 in [0, 1].
        has_shapes: (M,) float32, 0 or 1.
        draw_weight: (M,) float64: how often an annotated face is drawn, more for rare units; 0 without annotation.
    """

    crops: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    units: Floats
    unit_weight: Floats
    soft: Floats
    soft_weight: Floats
    emotion: Floats
    shapes: Floats
    has_shapes: Floats
    draw_weight: npt.NDArray[np.float64]

    @property
    def digest(self) -> str:
        """Beginning of the sha256 of which faces there are and of everything that is learned from them."""
        told = (self.units, self.unit_weight, self.soft, self.soft_weight, self.emotion, self.shapes, self.has_shapes)
        whole = hashlib.sha256()
        for array in (self.rows, *told):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()[:12]


def gather(
    faces: Faces,
    chosen: npt.NDArray[np.bool_],
    aus: tuple[str, ...] = AU_ORDER,
    soft_units: Floats | None = None,
) -> Pool:
    """Collect the chosen faces of a cache.

    Args:
        faces: the cache; its columns "second", "emotion" and "blendshapes" are optional.
        chosen: (N,) which faces; faces that an annotator called unusable never enter.
        aus: units the network has outputs for.
        soft_units: (N, 18) a teacher's probabilities, NaN where none.
    """
    table = faces.columns
    count = len(faces.crops)
    usable = table.get("usable", np.ones(count, np.bool_)).astype(bool)
    keep = np.flatnonzero(chosen & usable)
    columns = [AU_ORDER.index(au) for au in aus]
    first = table["au"][keep][:, columns]
    second = table["second"][keep][:, columns] if "second" in table else np.full_like(first, -2)
    units, weight = _two_annotators(first, second)
    soft = np.full_like(units, np.nan) if soft_units is None else soft_units[keep][:, columns]
    soft_weight = np.isfinite(soft).astype(np.float32)
    shapes, has_shapes = _shapes(table, keep)
    annotated = (weight > 0).any(1)
    rare = 1.0 / np.sqrt(np.maximum(((units > 0.5) * weight).sum(0), 4.0))
    draw = annotated * (0.04 + ((units > 0.5) * (weight > 0) * rare).max(1))
    votes = table["emotion"][keep] if "emotion" in table else np.zeros((len(keep), EMOTIONS))
    emotion = np.asarray(votes, np.float32)
    return Pool(faces.crops, keep, units, weight, np.nan_to_num(soft), soft_weight, emotion, shapes, has_shapes, draw)


def _two_annotators(first: npt.NDArray[np.int8], second: npt.NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Average occurrence over the annotators who were sure."""
    sure = np.stack([first >= 0, second >= 0])
    present = np.stack([first > 0, second > 0])
    count = sure.sum(0)
    units = np.where(count > 0, (present & sure).sum(0) / np.maximum(count, 1), 0.0)
    return units.astype(np.float32), (count > 0).astype(np.float32)


def _shapes(table: Mapping[str, Any], keep: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Stretch each blendshape from its 5th to its 95th percentile to [0, 1]."""
    if "blendshapes" not in table:
        return np.zeros((len(keep), 0), np.float32), np.zeros(len(keep), np.float32)
    raw = table["blendshapes"]
    values = np.stack([raw[:, [BLENDSHAPES.index(name) for name in pair]].mean(1) for pair in SHAPES], 1)
    seen = np.isfinite(values[:, 0])
    if not seen.any():
        return np.zeros((len(keep), 0), np.float32), np.zeros(len(keep), np.float32)
    low, high = np.percentile(values[seen], [5, 95], axis=0)
    values = np.clip((values - low) / np.maximum(high - low, 1e-6), 0, 1)
    return np.nan_to_num(values[keep]).astype(np.float32), seen[keep].astype(np.float32)


def draw(
    pool: Pool, layout: Layout, stage: Stage, how: Augmentation, channels: int, key: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Return one batch: inputs (B, S, S, channels) float32 and targets (B, columns) float32.

    Args:
        pool: what to draw from.
        layout: columns of the target.
        stage: batch size, input size and share of annotated pool.
        how: augmentation.
        channels: of the input; the same grey in each.
        key: (seed, stage number, step): the same key gives the same batch on any machine.
    """
    rng = np.random.default_rng(key)
    annotated = round(stage.batch * stage.annotated)
    weights = pool.draw_weight / pool.draw_weight.sum() if annotated else None
    picked = np.concatenate(
        [
            rng.choice(len(pool.rows), annotated, p=weights),
            rng.choice(len(pool.rows), stage.batch - annotated),
        ]
    ).astype(np.int64)
    inputs = np.stack([augment(pool.crops[pool.rows[i]], stage.size_px, how, rng) for i in picked])
    whole = np.ones(stage.batch, np.float32)  # 0 for a blend: nobody said anything about it
    for place in range(annotated, stage.batch):
        if how.blend and rng.random() < how.blend:
            other = pool.crops[pool.rows[rng.choice(len(pool.rows))]]
            inputs[place] = blend(inputs[place], augment(other, stage.size_px, how, rng), rng)
            whole[place] = 0.0
    target = layout.target(
        pool.units[picked],
        pool.unit_weight[picked] * whole[:, None],
        pool.soft[picked],
        pool.soft_weight[picked] * whole[:, None],
        pool.emotion[picked] * whole[:, None],
        pool.shapes[picked],
        pool.has_shapes[picked] * whole,
    )
    return np.repeat(inputs[..., None], channels, -1), target
