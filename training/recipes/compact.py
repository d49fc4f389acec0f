"""Build the small model for a Raspberry Pi: a plain eight-layer network on 112-pixel crops, distilled from the best.

Only convolutions, batch normalisation (folded away on export) and ReLU: every operator runs on an Edge TPU too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from assistant.facs import AU_ORDER
from training.fused import batch_normalization, conv2d
from training.recipes import Plan, Stage

NAME: Final = "compact"
SIZE_PX: Final = 112
CHANNELS: Final = 3
AUS: Final = AU_ORDER

# fmt: off
LAYERS: Final = (
    (32, 6, 2), (32, 3, 2), (64, 3, 1), (64, 3, 2), (128, 3, 1), (128, 3, 2), (192, 3, 1), (192, 3, 1),
)
# fmt: on
"""Filters, side and stride of each convolution."""

PLAN: Final = Plan(
    stages=(
        Stage(
            "units", 112, 4000, 96, 2e-3, 0.3, weights={"au": 1.0, "soft": 1.0, "emotion": 0.5, "shape": 0.5}
        ),
        Stage(
            "expressions", 112, 2400, 96, 1e-3, 0.25,
            weights={"au": 1.0, "soft": 1.0, "emotion": 1.0, "through": 2.0, "shape": 0.5},
        ),
    ),
    weight_decay=5e-4,
    average=0.998,
)  # fmt: skip


def build(outputs: int, batch_size: int | None = None, size_px: int = SIZE_PX) -> Any:
    """Return the network.

    Args:
        outputs: number of logits.
        batch_size: 1 for export, None for training.
        size_px: side of the input; a multiple of 16.

    Returns:
        Keras model, input (batch, S, S, 3) float32 standardised grey, output (batch, outputs) logits.
    """
    import keras
    from keras import layers

    inputs = keras.Input((size_px, size_px, CHANNELS), batch_size=batch_size, name="face")
    x = convolve(inputs, LAYERS)
    x = conv2d(48, 1, activation="relu", name="head_narrow")(x)
    x = layers.Flatten(name="places")(x)
    x = layers.Dropout(0.3, seed=1, name="head_dropout")(x)
    x = layers.Dense(outputs, name="logits", dtype="float32")(x)
    return keras.Model(inputs, x, name=NAME)


def convolve(faces: Any, plan: Iterable[tuple[int, int, int]], name: str = "trunk") -> Any:
    """Return what convolutions see of faces, each followed by its batch normalisation and ReLU.

    Args:
        faces: (batch, S, S, channels) tensor; the product of the strides divides S.
        plan: filters, side and stride of each convolution.
        name: how the names of the layers begin.
    """
    from keras import layers

    x = faces
    for number, (filters, side, stride) in enumerate(plan, 1):
        x = conv2d(filters, side, strides=stride, padding="same", use_bias=False, name=f"{name}_conv{number}")(x)
        x = batch_normalization(momentum=0.98, name=f"{name}_norm{number}")(x)
        x = layers.ReLU(name=f"{name}_relu{number}")(x)
    return x
