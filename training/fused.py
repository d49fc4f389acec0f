"""Use the framework's own fused kernels where Keras would compute in many small steps, with the same weights.

On PyTorch Keras computes batch normalisation and PReLU by elementwise operations, each a pass through memory, and
copies the input of a convolution twice. What is saved and exported is the plain Keras layer in either case.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def without_gradients() -> AbstractContextManager[None]:
    """Return a context in which PyTorch, called layer by layer, keeps nothing for a backward pass."""
    import keras

    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    quiet: AbstractContextManager[None] = torch.no_grad()
    return quiet


def batch_normalization(**options: Any) -> Any:
    """Return a batch normalisation layer of (N, H, W, C), on PyTorch one of a single pass."""
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers.BatchNormalization(**options)
    import torch

    class Fused(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
        """Normalise with PyTorch's kernel."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """Normalise by the batch while training, and follow its mean and variance; by these otherwise."""
            normal = torch.nn.functional.batch_norm(
                inputs.movedim(-1, 1),
                self.moving_mean.value,
                self.moving_variance.value,
                self.gamma.value,
                self.beta.value,
                bool(training and self.trainable),
                1.0 - self.momentum,
                self.epsilon,
            )
            return normal.movedim(1, -1)

    Fused.__name__ = "BatchNormalization"  # the name its weights are saved under
    return Fused(**options)


def prelu(**options: Any) -> Any:
    """Return a PReLU layer of (N, H, W, C) with one slope a channel, on PyTorch one of a single pass."""
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers.PReLU(shared_axes=[1, 2], **options)
    import torch

    class Fused(keras.layers.PReLU):  # type: ignore[misc]  # Keras has no types
        """Bend with PyTorch's kernel."""

        def call(self, inputs: Any) -> Any:
            """Return x where it is positive, slope * x elsewhere."""
            slopes = self.alpha.value.flatten().to(inputs.dtype)
            return torch.nn.functional.prelu(inputs.movedim(-1, 1), slopes).movedim(1, -1)

    Fused.__name__ = "PReLU"
    return Fused(shared_axes=[1, 2], **options)


def conv2d(filters: int, size: int, **options: Any) -> Any:
    """Return a convolution of (N, H, W, C), on PyTorch without the two copies of its input that Keras makes.

    Args:
        filters: number of them.
        size: side of the kernel.
        options: of Keras' layer; not dilation. With padding "same" the stride must divide the input's side.
    """
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers.Conv2D(filters, size, **options)

    class Fused(keras.layers.Conv2D):  # type: ignore[misc]  # Keras has no types
        """Convolve with PyTorch's kernel, in the memory order that it and Keras both want."""

        def call(self, inputs: Any) -> Any:
            """Convolve, add the bias, apply the activation."""
            return _convolve(self, inputs, self.kernel.value.permute(3, 2, 0, 1), 1)

    Fused.__name__ = "Conv2D"
    return Fused(filters, size, **options)


def depthwise_conv2d(size: int, **options: Any) -> Any:
    """Return a convolution of each channel of (N, H, W, C) by itself; arguments as for `conv2d`."""
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers.DepthwiseConv2D(size, **options)

    class Fused(keras.layers.DepthwiseConv2D):  # type: ignore[misc]  # Keras has no types
        """Convolve with PyTorch's kernel."""

        def call(self, inputs: Any) -> Any:
            """Convolve, add the bias, apply the activation."""
            return _convolve(self, inputs, self.kernel.value.permute(2, 3, 0, 1), inputs.shape[-1])

    Fused.__name__ = "DepthwiseConv2D"
    return Fused(size, **options)


def _convolve(layer: Any, inputs: Any, kernel: Any, groups: int) -> Any:
    """Apply a layer's convolution, bias and activation with PyTorch.

    Args:
        layer: Keras' layer.
        inputs: (N, H, W, C) tensor.
        kernel: (out, in / groups, size, size) tensor.
        groups: parts that the channels are divided into.
    """
    import torch

    size, stride = kernel.shape[-1], layer.strides[0]
    x = inputs.movedim(-1, 1)
    whole = 0 if layer.padding == "valid" else max(size - stride, 0)  # for a side that the stride divides
    if whole % 2:  # more at the end, as TensorFlow does
        x = torch.nn.functional.pad(x, (whole // 2, whole - whole // 2) * 2)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    bias = layer.bias.value if layer.use_bias else None
    y = torch.nn.functional.conv2d(x, kernel, bias, stride, 0 if whole % 2 else whole // 2, 1, groups)
    return layer.activation(y.movedim(1, -1))
