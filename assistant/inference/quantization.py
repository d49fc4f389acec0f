"""Convert between real values and the 8-bit integers of a quantised tensor.

Affine quantisation as TensorFlow Lite defines it: real = scale * (stored - zero_point)
(https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec). To store, the real value is
divided by the scale, rounded, shifted by the zero point and saturated to the type's range, so that inside the
representable range the error is at most half a step.

Rounding: halves go away from zero, as in TFLite's reference QUANTIZE operator (`TfLiteRound`, which is C's `round`, in
tensorflow/lite/kernels/internal/reference/quantize.h). Vectorised kernels may round an exact half the other way; the
error bound is the same.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.types import Floats, TensorSpec

_DTYPES: Final[dict[str, type[Any]]] = {"int8": np.int8, "uint8": np.uint8}


def quantise(values: npt.ArrayLike, spec: TensorSpec) -> npt.NDArray[Any]:
    """Return `values` as the stored numbers of a tensor, in its dtype; the shape stays.

    Args:
        values: real numbers of any shape, finite. Those out of range saturate.
        spec: an int8 or uint8 tensor with a scale. A float32 tensor gets the values as they are.

    Raises:
        ValueError: the tensor is neither, or has no scale: the caller has a wrong `TensorSpec`.
    """
    real = np.asarray(values, dtype=np.float32)
    if spec.dtype == "float32":
        return real
    dtype = _dtype_of(spec)
    steps = real / np.float32(spec.scale)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps))
    limits = np.iinfo(dtype)
    stored: npt.NDArray[Any] = np.clip(rounded + spec.zero_point, limits.min, limits.max).astype(dtype)
    return stored


def dequantise(stored: npt.NDArray[Any], spec: TensorSpec) -> Floats:
    """Return the real values of a tensor's stored numbers as float32; the shape stays.

    Raises:
        ValueError: the array's dtype is not the tensor's, or the tensor has no scale.
    """
    if stored.dtype.name != spec.dtype:
        raise ValueError(f"tensor {spec.name!r} is {spec.dtype}, not {stored.dtype.name}")
    if spec.dtype == "float32":
        return stored.astype(np.float32)
    _dtype_of(spec)
    return (stored.astype(np.float32) - np.float32(spec.zero_point)) * np.float32(spec.scale)


def representable(spec: TensorSpec) -> tuple[float, float]:
    """Return the least and the greatest real value that a quantised tensor can hold.

    Raises:
        ValueError: the tensor is not quantised.
    """
    limits = np.iinfo(_dtype_of(spec))
    return (limits.min - spec.zero_point) * spec.scale, (limits.max - spec.zero_point) * spec.scale


def _dtype_of(spec: TensorSpec) -> type[Any]:
    if spec.dtype not in _DTYPES or spec.scale <= 0:
        raise ValueError(f"tensor {spec.name!r} ({spec.dtype}, scale {spec.scale}) is not quantised to 8 bits")
    return _DTYPES[spec.dtype]
