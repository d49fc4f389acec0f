"""Normalise batches with the framework's own fused kernel where Keras would compute it in many small steps."""

from __future__ import annotations

from typing import Any


def batch_normalization(**options: Any) -> Any:
    """Return a batch normalisation layer; on PyTorch one that is about twice as fast, with the same weights.

    Keras computes mean and variance by elementwise operations on PyTorch; `torch.nn.functional.batch_norm` does it in
    one pass. What is saved and exported is the plain Keras layer in either case.
    """
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers.BatchNormalization(**options)
    import torch

    class Fused(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
        """Use PyTorch's kernel while training."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """Normalise (N, H, W, C) by the batch, and follow its mean and variance."""
            if not (training and self.trainable):
                return super().call(inputs, training=training, mask=mask)
            normal = torch.nn.functional.batch_norm(
                inputs.movedim(-1, 1),
                self.moving_mean.value,
                self.moving_variance.value,
                self.gamma.value,
                self.beta.value,
                True,
                1.0 - self.momentum,
                self.epsilon,
            )
            return normal.movedim(1, -1)

    Fused.__name__ = "BatchNormalization"  # the name its weights are saved under
    return Fused(**options)
