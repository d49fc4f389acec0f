"""Build the teacher: SFace's face-recognition network with a head for Action Units. It is never put on a device.

A face-recognition network has seen millions of faces; its middle layers know movements that it was trained to ignore.
Fine-tuned on the annotated faces it labels all others (`python -m training predict`), and `vggface` and `compact` learn
from that (`train --soft`). Zhong et al., SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition,
IEEE TIP 2021; the layers are those of MobileNet (Howard et al., 2017) with PReLU and the first stride left out.

At 96 pixels the project's crop has the scale that SFace saw: 43 pixels between the eyes of 112 there, 36 of 96 here.
Larger than that is better all the same: see docs/experiments.md.
"""

from __future__ import annotations

from typing import Any, Final

from assistant.facs import AU_ORDER
from training.fused import batch_normalization, conv2d, depthwise_conv2d, prelu
from training.recipes import Plan, Stage

NAME: Final = "sface"
SIZE_PX: Final = 112
CHANNELS: Final = 3
AUS: Final = AU_ORDER

BLOCKS: Final = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
"""Filters and stride of each depthwise and pointwise pair, conv_2 to conv_14."""

_READ: Final = (9, 12, 14)  # blocks whose output the head sees: places, parts, the whole face
_NARROW: Final = 48  # channels the head keeps of each

PLAN: Final = Plan(
    stages=(
        Stage(
            "units", 112, 2600, 32, 5e-4, 0.5, ("trunk_conv1_", "trunk_conv2_", "trunk_conv3_", "trunk_conv4_"),
            {"au": 1.0, "soft": 1.0, "emotion": 0.3, "shape": 0.3},
        ),
    ),
    weight_decay=1e-2,
    average=0.998,
)  # fmt: skip


def build(outputs: int, batch_size: int | None = None, size_px: int = SIZE_PX) -> Any:
    """Return trunk and head.

    Args:
        outputs: number of logits.
        batch_size: None for training.
        size_px: side of the input; a multiple of 16.

    Returns:
        Keras model, input (batch, S, S, 3) float32 standardised grey, output (batch, outputs) logits.
    """
    import keras
    from keras import layers

    inputs = keras.Input((size_px, size_px, CHANNELS), batch_size=batch_size, name="face")

    def finish(x: Any, name: str) -> Any:
        x = batch_normalization(momentum=0.98, epsilon=1e-3, name=f"{name}_norm")(x)
        return prelu(name=f"{name}_relu")(x)

    x = conv2d(32, 3, padding="same", use_bias=False, name="trunk_conv1_full")(inputs)
    x = finish(x, "trunk_conv1_full")
    read = []
    for number, (filters, stride) in enumerate(BLOCKS, 2):
        name = f"trunk_conv{number}_"
        if stride == 2:  # the original pads both sides alike; "same" would not
            x = layers.ZeroPadding2D(1, name=f"pad{number}")(x)
        padding = "valid" if stride == 2 else "same"
        x = depthwise_conv2d(3, strides=stride, padding=padding, use_bias=False, name=name + "depth")(x)
        x = finish(x, name + "depth")
        x = conv2d(filters, 1, use_bias=False, name=name + "point")(x)
        x = finish(x, name + "point")
        if number in _READ:
            read.append(_narrow(x, number, size_px // 16))
    x = layers.Concatenate(name="head_levels")(read)
    x = layers.Flatten(name="places")(x)
    x = layers.Dropout(0.4, seed=1, name="head_dropout")(x)
    x = layers.Dense(outputs, name="logits", dtype="float32")(x)
    return keras.Model(inputs, x, name=NAME)


def _narrow(x: Any, number: int, side: int) -> Any:
    """Bring one level to `side` x `side` places and few channels."""
    from keras import layers

    if x.shape[1] > side:
        x = layers.AveragePooling2D(x.shape[1] // side, name=f"pool{number}")(x)
    x = conv2d(_NARROW, 1, use_bias=False, name=f"head_narrow{number}")(x)
    x = batch_normalization(momentum=0.98, name=f"head_norm{number}")(x)
    return layers.ReLU(name=f"head_relu{number}")(x)
