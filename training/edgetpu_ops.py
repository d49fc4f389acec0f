"""Check that a .tflite model can run whole on an Edge TPU, from the file alone; compile it where the compiler is.

The compiler leaves to the CPU every operator from the first that the Edge TPU lacks, so one wrong operator near the
input costs nearly all of the speed. Rules and list: https://coral.ai/docs/edgetpu/models-intro/.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant.errors import DependencyError, ModelError
from assistant.inference.backends.edgetpu import compiled_name

# fmt: off
SUPPORTED: Final = frozenset(
    (
        "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXPAND_DIMS",
        "FULLY_CONNECTED", "L2_NORMALIZATION", "LOGISTIC", "LSTM", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM",
        "MUL", "PACK", "PAD", "PRELU", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "RELU", "RELU6", "RELU_N1_TO_1",
        "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RSQRT", "SLICE", "SOFTMAX", "SPACE_TO_DEPTH",
        "SPLIT", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "TANH", "TRANSPOSE",
        "TRANSPOSE_CONV",
    )
)
# fmt: on
ON_CHIP_BYTES: Final = 8_000_000
"""Weights beyond about 8 MB are fetched over USB for every face (https://coral.ai/docs/edgetpu/compiler/)."""

COMPILER: Final = "edgetpu_compiler"
_WITHOUT_FUSED: Final = frozenset({"AVERAGE_POOL_2D", "CONCATENATION", "MAX_POOL_2D"})


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what was found.

    Attributes:
        operators: in the order they run.
        problems: why the model does not run whole on an Edge TPU, each in words; empty where it does.
        bytes: size of the model file.
    """

    operators: tuple[str, ...]
    problems: tuple[str, ...]
    bytes: int


def check(path: Path) -> Report:
    """Read a .tflite file and compare it with what an Edge TPU takes.

    Raises:
        DependencyError: ai-edge-litert, which knows the file format, is not installed.
        ModelError: the file is missing or no .tflite.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise DependencyError("ai_edge_litert is not installed.", "Run: pip install ai-edge-litert") from None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error}.", "Export the model again.") from error
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path} is no .tflite file.", "Export the model again.")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    types = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    problems = [] if len(model.subgraphs) == 1 else [f"{len(model.subgraphs)} subgraphs; an Edge TPU takes one"]
    graph = model.subgraphs[0]
    operators = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        # Older files keep the code in a byte of its own; the newer field is 0 there (schema.fbs, OperatorCode).
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        operators.append(name)
        if name not in SUPPORTED:
            problems.append(f"operator {len(operators)}, {name}, is not supported")
        options = operator.builtinOptions
        if name in _WITHOUT_FUSED and getattr(options, "fusedActivationFunction", None):
            problems.append(f"operator {len(operators)}, {name}, has a fused activation")
        if name == "FULLY_CONNECTED" and getattr(options, "weightsFormat", None):
            problems.append(f"operator {len(operators)}, {name}, has shuffled weights")
    problems += _tensors(graph, types)
    if len(content) > ON_CHIP_BYTES:
        problems.append(f"{len(content):,} bytes; {ON_CHIP_BYTES:,} stay on chip")
    return Report(tuple(operators), tuple(problems), len(content))


def require(path: Path) -> Report:
    """Return the report of a model that runs whole on an Edge TPU.

    Raises:
        ModelError: it does not; the cause names the first problem.
    """
    report = check(path)
    if report.problems:
        more = f", and {len(report.problems) - 1} more" if len(report.problems) > 1 else ""
        raise ModelError(f"{path} does not fit an Edge TPU: {report.problems[0]}{more}.", "Change the recipe.")
    return report


def compile_model(path: Path, out: Path) -> Path | None:
    """Run the Edge TPU compiler on a model, where it is installed.

    Args:
        path: the int8 .tflite file.
        out: existing folder that gets NAME_edgetpu.tflite.

    Returns:
        The compiled file, or None where there is no compiler here.

    Raises:
        ModelError: the compiler refused the model.
    """
    compiler = shutil.which(COMPILER)
    if compiler is None:
        return None
    done = subprocess.run(
        [compiler, "--show_operations", "--out_dir", str(out), str(path)], capture_output=True, text=True, check=False
    )
    compiled = out / compiled_name(path.name)
    if done.returncode or not compiled.is_file():
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise ModelError(f"{COMPILER} refused {path}: {said}.", "See docs/training.md, Edge TPU.")
    return compiled


def _tensors(graph: Any, types: dict[int, str]) -> list[str]:
    """Return the problems of the tensors: unknown sides, more than three dimensions above 1, no 8-bit numbers."""
    problems = []
    weights = {index for operator in graph.operators for index in operator.inputs[1:]}
    used = {index for operator in graph.operators for index in (*operator.inputs, *operator.outputs) if index >= 0}
    for index in sorted(used):
        tensor = graph.tensors[index]
        name, kind = (tensor.name or b"?").decode(), types[tensor.type]
        shape = [] if tensor.shape is None else list(tensor.shape)
        signature = [] if tensor.shapeSignature is None else list(tensor.shapeSignature)
        if any(side < 0 for side in [*shape, *signature]):
            problems.append(f"tensor {name} has a side that is not known before it runs")
        if np.count_nonzero(np.array(shape) > 1) > 3 and index not in weights:
            problems.append(f"tensor {name} has more than three dimensions above 1")
        if kind not in ("INT8", "UINT8") and not (kind == "INT32" and index in weights):
            problems.append(f"tensor {name} is {kind}, not 8-bit")
    return problems
