"""Make a run of a shipped 8-bit model, so that its head can be retrained: `python -m training unpack`.

A model folder holds the weights as integers with scales; multiplied out they are a network that differs from the one
first trained by at most half a step a weight. Its trunk is as good to build a new head on, and nothing else need be
downloaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, ModelError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import Manifest, verify
from training import recipes
from training.losses import EMOTIONS
from training.runs import load_keras, write_run

Stored = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], tuple[int, ...]]
"""Kernel and bias of a layer, and the sides of what it gives: (height, width), or () of a Dense layer."""


def unpack(folder: Path, out: Path) -> Path:
    """Write a run folder with the weights of a model folder, and return it.

    The outputs are the units, already calibrated, and emotions without weights, for a new head to learn.

    Raises:
        ModelError: the model was not exported by this project, or its recipe has changed since.
        OutputError: the folder cannot be written.
    """
    manifest = verify(folder)
    name = str(manifest.training.get("recipe", ""))
    if name not in recipes.NAMES or manifest.input is None:
        raise ModelError(f"{folder} names no recipe.", f"It needs one of: {', '.join(recipes.NAMES)}.")
    stored = read_weights(folder / manifest.file)
    load_keras()
    outputs = [*AU_ORDER, *(f"emotion{place}" for place in range(EMOTIONS))]
    model = recipes.load(name).build(len(outputs), None, manifest.input.size_px)
    install(model, stored, folder)
    return write_run(out, model, _settings(manifest, name, outputs)).folder


def read_weights(path: Path) -> list[Stored]:
    """Return every convolution and Dense layer of a .tflite file, in order, as Keras shapes them.

    Raises:
        DependencyError: ai-edge-litert, which knows the file format, is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise DependencyError("ai_edge_litert is not installed.", "Run: pip install ai-edge-litert") from None
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph, kinds = model.subgraphs[0], schema.BuiltinOperator
    found = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind not in (kinds.CONV_2D, kinds.FULLY_CONNECTED):
            continue
        kernel = _real(model, graph.tensors[operator.inputs[1]])
        bias = np.zeros(len(kernel), np.float32)
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:  # the converter drops a bias of zeros
            bias = _real(model, graph.tensors[operator.inputs[2]])
        # TFLite keeps (out, height, width, in) and (out, in); Keras (height, width, in, out) and (in, out).
        sides = tuple(int(side) for side in graph.tensors[operator.outputs[0]].shape[1:-1])
        found.append((kernel.transpose(1, 2, 3, 0) if kind == kinds.CONV_2D else kernel.T, bias, sides))
    return found


def install(model: Any, stored: list[Stored], folder: Path) -> None:
    """Put the weights into a Keras model whose last layer may have more outputs; those get zeros.

    Paths beside one another may stand in another order in the file: a layer takes the first that is of its shape and
    gives what is of its size. A batch normalisation, which conversion merged into the convolution before it, gets the
    bias and does nothing else.

    Raises:
        ModelError: the weights do not fit.
    """
    norms = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    waiting = list(stored)
    for layer in model.layers:
        if not layer.weights or layer in norms:
            continue
        shape = tuple(layer.kernel.shape) if hasattr(layer, "kernel") else ()
        compared = slice(-1 if layer is model.layers[-1] else None)
        wanted = (shape[compared], tuple(layer.output.shape[1:-1]))
        alike = [
            (kernel.shape[compared], sides) == wanted and kernel.shape[-1] <= shape[-1] for kernel, _, sides in waiting
        ]
        if True not in alike:
            raise ModelError(f"The model in {folder} does not fit its recipe: {layer.name}.", "Train it again.")
        kernel, bias, _ = waiting.pop(alike.index(True))
        if extra := shape[-1] - kernel.shape[-1]:
            kernel, bias = np.pad(kernel, ((0, 0), (0, extra))), np.pad(bias, (0, extra))
        if layer.use_bias:
            layer.set_weights([kernel, bias])
        else:
            layer.set_weights([kernel])
            _neutral(next(norm for norm in norms if norm.input is layer.output), bias)
    if waiting:
        raise ModelError(f"The model in {folder} has {len(waiting)} layers more than its recipe.", "Train it again.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="folder of an exported model, such as models/vggface")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write, such as runs/vggface")


def run(args: argparse.Namespace) -> int:
    """Write the run and say what to do next."""
    unpack(args.model, args.out)
    print(f"Wrote {args.out}. Next: python -m training head {args.out} --data FOLDER")
    return 0


def _neutral(norm: Any, bias: npt.NDArray[np.float32]) -> None:
    """Make a batch normalisation add `bias` and nothing else."""
    one = np.ones_like(bias)
    norm.set_weights([one, bias, 0 * one, (1.0 - norm.epsilon) * one])


def _real(model: Any, tensor: Any) -> npt.NDArray[np.float32]:
    """Return a stored tensor as real numbers, scale by channel where there are several."""
    content = model.buffers[tensor.buffer].data
    if content is None:
        raise ModelError(f"The weights {tensor.name.decode()} are computed, not stored.", "Train it again.")
    dtype = {9: np.int8, 2: np.int32, 0: np.float32}[tensor.type]  # schema.TensorType INT8, INT32, FLOAT32
    stored = np.frombuffer(bytes(content), dtype).reshape(tensor.shape).astype(np.float32)
    scale = None if tensor.quantization is None else tensor.quantization.scale
    if scale is None:
        return stored
    shape = [1] * stored.ndim
    shape[tensor.quantization.quantizedDimension] = -1
    zero = np.asarray(tensor.quantization.zeroPoint, np.float32).reshape(shape)
    return np.asarray((stored - zero) * np.asarray(scale, np.float32).reshape(shape), np.float32)


def _settings(manifest: Manifest, recipe: str, outputs: list[str]) -> dict[str, Any]:
    units = manifest.action_units
    return {
        "recipe": recipe,
        "size_px": manifest.input.size_px if manifest.input else 0,
        "outputs": outputs,
        "trunk": {
            "origin": f"the model {manifest.name} {manifest.version} ({manifest.origin})",
            "licence": manifest.licence,
        },
        "teachers": list(manifest.training.get("teachers", [])),
        "history": [],
        "mirrored": manifest.mirrored,
        "calibrated_on": dict(manifest.training.get("calibrated_on", {})),
        "calibration": {unit: {"a": 1.0, "b": 0.0} for unit in AU_ORDER},
        "thresholds": {unit: units[unit].threshold for unit in AU_ORDER},
        "known": {unit: units[unit].known for unit in AU_ORDER},
    }
