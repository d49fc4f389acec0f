"""Add up several kinds of supervision in one masked loss.

Annotated units, soft units of a teacher, emotion votes and face-shape scores each have their own columns in the target;
what a face lacks has weight 0 there and pulls at nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

EMOTIONS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """Say which columns of logits and targets mean what.

    Attributes:
        units: number of Action Units.
        shapes: number of face-shape scores, 0 without a teacher for them.
        emotions: number of emotions, 0 where they are not learned from.
        maps: number of values of a teacher's maps, 0 where they are not learned from.
        through: number of emotions told from the units' logits alone (`training/through.py`), 0 without.

    Logits are units, emotions, shapes, those emotions, maps. Targets are units, their weights, soft units,
    their weights, emotions, their weight, shapes, their weight, maps.
    """

    units: int
    shapes: int
    emotions: int = EMOTIONS
    maps: int = 0
    through: int = 0

    @property
    def outputs(self) -> int:
        """Number of logits of the network itself, without emotions told from the units, and maps."""
        return self.units + self.emotions + self.shapes

    @property
    def columns(self) -> int:
        """Number of target columns."""
        return 4 * self.units + self.emotions + 1 + self.shapes + 1 + self.maps

    def target(
        self,
        units: Floats,
        unit_weight: Floats,
        soft: Floats,
        soft_weight: Floats,
        emotion: Floats,
        shapes: Floats,
        has_shapes: Floats,
    ) -> Floats:
        """Pack (N, ...) arrays into (N, columns less the maps) float32; an emotion row that adds up to 0 has weight 0.

        Of emotions and shapes, the first columns that there are outputs for are taken.
        """
        total = emotion.sum(1, keepdims=True)
        votes = emotion / np.maximum(total, 1e-6)
        votes, shapes = votes[:, : self.emotions], shapes[:, : self.shapes]
        parts = [units, unit_weight, soft, soft_weight, votes, total > 0, shapes, has_shapes[:, None]]
        return np.concatenate([np.asarray(part, np.float32) for part in parts], 1)


def combined(layout: Layout, weights: dict[str, float], kind: str = "bce") -> Any:
    """Return the loss as a function of (target, logits) for `model.compile`.

    Args:
        layout: columns.
        weights: of "au", "soft", "emotion", "through", "shape", "map"; an absent one is 0.
        kind: of the annotated part: "bce", "focal" or "asymmetric".

    Returns:
        Function of two (N, ...) tensors giving one loss a face, (N,).
    """
    from keras import ops

    n, k, e, t = layout.units, layout.shapes, layout.emotions, layout.through
    edges = np.cumsum([n, n, n, n, e, 1, k, 1, layout.maps])[:-1]

    def split(target: Any) -> list[Any]:
        bounds = [0, *(int(edge) for edge in edges), layout.columns]
        return [target[:, low:high] for low, high in itertools.pairwise(bounds)]

    def loss(target: Any, logits: Any) -> Any:
        logits = ops.cast(logits, "float32")
        units, unit_weight, soft, soft_weight, votes, has_votes, shapes, has_shapes, maps = split(target)
        ends = [0, n, n + e, n + e + k, n + e + k + t, n + e + k + t + layout.maps]
        unit_logits, emotion_logits, shape_logits, through_logits, map_values = (
            logits[:, low:high] for low, high in itertools.pairwise(ends)
        )
        total = weights.get("au", 0.0) * _mean(binary(units, unit_logits, kind), unit_weight)
        if weights.get("soft"):
            total = total + weights["soft"] * _mean(binary(soft, unit_logits), soft_weight)
        for part, told in (("emotion", emotion_logits), ("through", through_logits)):
            if weights.get(part) and told.shape[1]:
                cross = -ops.sum(votes * ops.log_softmax(told, axis=-1), axis=-1)
                total = total + weights[part] * 0.25 * cross * has_votes[:, 0]
        if weights.get("shape") and k:
            total = total + weights["shape"] * ops.mean(binary(shapes, shape_logits), axis=-1) * has_shapes[:, 0]
        if weights.get("map") and layout.maps:
            total = total + weights["map"] * ops.mean(ops.square(map_values - maps), axis=-1)
        return total

    def _mean(values: Any, weight: Any) -> Any:
        return ops.sum(values * weight, axis=-1) / n

    return loss


def binary(target: Any, logits: Any, kind: str = "bce") -> Any:
    """Return elementwise binary losses of logits.

    "bce": cross-entropy. "focal": times (1 - p_t)^2 (Lin et al., ICCV 2017). "asymmetric": times p^4 on absent units,
    with the probability shifted by 0.05 (Ridnik et al., ICCV 2021).
    """
    from keras import ops

    cross = ops.maximum(logits, 0.0) - logits * target + ops.log1p(ops.exp(-ops.abs(logits)))
    if kind == "bce":
        return cross
    p = ops.sigmoid(logits)
    if kind == "focal":
        return cross * (target * (1.0 - p) ** 2 + (1.0 - target) * p**2)
    if kind == "asymmetric":
        shifted = ops.maximum(p - 0.05, 0.0)
        absent = -ops.log(ops.maximum(1.0 - shifted, 1e-6)) * shifted**4
        return target * cross + (1.0 - target) * absent
    raise ValueError(f"unknown kind of loss {kind!r}")
