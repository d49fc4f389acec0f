"""Build the twelve-unit network of the project's beginnings, exactly, as a baseline.

Four blocks of two 3x3 convolutions (32, 64, 128, 256), 2x2 pooling and dropout 0.2, then 9216 -> 500 -> 12 sigmoids;
stochastic gradient descent at 0.01 with Nesterov momentum 0.9 on batches of 128. With twelve outputs it has 5,786,192
parameters.
"""

from __future__ import annotations

from typing import Any, Final

from training.recipes import Plan, Stage

NAME: Final = "cnn12"
SIZE_PX: Final = 96
CHANNELS: Final = 1
AUS: Final = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
"""The twelve units annotated in BP4D."""

PARAMETERS: Final = 5_786_192

PLAN: Final = Plan(
    stages=(Stage("units", 96, 1500, 128, 1e-2, 1.0, weights={"au": 1.0}),),
    optimiser="sgd",
    weight_decay=0.0,
)


def build(outputs: int = 12, batch_size: int | None = None, size_px: int = SIZE_PX) -> Any:
    """Return the network.

    Args:
        outputs: number of logits; 12 in the original. The sigmoid is part of the loss and of the exported model.
        batch_size: 1 for export, None for training.
        size_px: 96; any multiple of 16 builds, but only 96 has the original's 9216 features.

    Returns:
        Keras model, input (batch, 96, 96, 1) float32 standardised grey, output (batch, outputs) logits.
    """
    import keras
    from keras import layers

    inputs = keras.Input((size_px, size_px, CHANNELS), batch_size=batch_size, name="face")
    x = inputs
    for number, filters in enumerate((32, 64, 128, 256), 1):
        for place in (1, 2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"trunk_conv{number}_{place}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        x = layers.Dropout(0.2, seed=number, name=f"dropout{number}")(x)
    x = layers.Flatten(name="places")(x)
    x = layers.Dense(500, activation="relu", name="head_dense")(x)
    x = layers.Dense(outputs, name="logits", dtype="float32")(x)
    model = keras.Model(inputs, x, name=NAME)
    if outputs == len(AUS) and size_px == SIZE_PX:
        assert model.count_params() == PARAMETERS, "this is not the original's network any more"
    return model
