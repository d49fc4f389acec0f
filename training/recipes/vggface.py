"""Build the mission's model: the VGG-16 trunk of VGG-Face up to conv4_3, a small path beside it, and a head for both.

Parkhi, Vedaldi & Zisserman, Deep Face Recognition, BMVC 2015 (the trunk's layout); Simonyan & Zisserman 2015. The
last block has 464 filters a layer in place of 512, so that both paths and the head stay within the 8 MB that an Edge
TPU keeps on chip. Two networks of two layouts err less alike than one twice as large (docs/adr/0018).
"""

from __future__ import annotations

from typing import Any, Final

from assistant.facs import AU_ORDER
from training.fused import conv2d
from training.recipes import Plan, Stage, compact

NAME: Final = "vggface"
SIZE_PX: Final = 112
CHANNELS: Final = 3
AUS: Final = AU_ORDER

BLOCKS: Final = ((64, 64), (128, 128), (256, 256, 256), (464, 464, 464))
"""Filters of conv1_1 to conv4_3: VGG-16's, less 48 of the 512 in each layer of the last block."""

_NARROW: Final = 112  # channels the head keeps of both paths' 656: 7 x 7 places x 112 then reach the units
_NEAR: Final = 64  # and that it looks around in

PLAN: Final = Plan(
    stages=(
        Stage(
            "faces", 64, 1500, 32, 3e-4, 0.25, weights={"au": 1.0, "soft": 1.0, "emotion": 1.0, "shape": 1.0}
        ),
        Stage(
            "units", 112, 4000, 24, 2e-4, 0.35, ("trunk_conv1", "trunk_conv2"),
            {"au": 1.0, "soft": 1.0, "emotion": 0.3, "shape": 0.3, "map": 2.0},
        ),
    ),
    average=0.998,
)  # fmt: skip


def build(outputs: int, batch_size: int | None = None, size_px: int = SIZE_PX) -> Any:
    """Return both paths and the head.

    Args:
        outputs: number of logits.
        batch_size: 1 for export (an Edge TPU wants static shapes), None for training.
        size_px: side of the input; a multiple of 16.

    Returns:
        Keras model, input (batch, S, S, 3) float32 standardised grey in [-2.56, 2.54], output (batch, outputs) logits.
    """
    import keras
    from keras import layers

    inputs = keras.Input((size_px, size_px, CHANNELS), batch_size=batch_size, name="face")
    x = inputs
    for number, filters in enumerate(BLOCKS, 1):
        if number > 1:
            x = layers.MaxPooling2D(2, name=f"pool{number - 1}")(x)
        for place, width in enumerate(filters, 1):
            x = conv2d(width, 3, padding="same", activation="relu", name=f"trunk_conv{number}_{place}")(x)
    x = layers.MaxPooling2D(2, name="pool4")(x)
    x = layers.Concatenate(name="both")([x, compact.convolve(inputs, compact.LAYERS, "trunk_side")])
    x = conv2d(_NARROW, 1, activation="relu", name="head_narrow")(x)
    near = conv2d(_NEAR, 3, padding="same", activation="relu", name="head_near1")(x)
    near = conv2d(_NARROW, 3, padding="same", kernel_initializer="zeros", name="head_near2")(near)
    x = layers.Add(name="head_sum")([x, near])  # at first what there was; then also what lies beside it
    x = layers.ReLU(name="head_relu")(x)
    x = layers.Flatten(name="places")(x)
    x = layers.Dropout(0.4, seed=1, name="head_dropout")(x)
    x = layers.Dense(outputs, name="logits", dtype="float32")(x)
    return keras.Model(inputs, x, name=NAME)
