"""Run a .tflite model on the CPU with LiteRT and XNNPACK.

`ai_edge_litert` first; `tflite_runtime`, its older name with the same Interpreter, where only that is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import BackendError, DependencyError, ModelError
from assistant.types import TensorSpec

NAME: Final = "litert"
PACKAGES: Final = ("ai_edge_litert", "tflite_runtime")
INSTALL: Final = "Run: pip install ai-edge-litert"
RESTORE: Final = "Reinstall facecue or restore the file."


def available() -> str | None:
    """Return None where this back end can be used, else the reason with the install line."""
    if _package() is None:
        return f"Neither ai_edge_litert nor tflite_runtime is installed. {INSTALL}"
    return None


def devices() -> tuple[str, ...]:
    """Return what it can run on here, the default first."""
    return ("cpu",)


class Runner:
    """Run one model with a LiteRT interpreter. Not thread-safe.

    Args:
        model_path: a .tflite file with static shapes.
        threads: of XNNPACK. 1, because more were slower on a CPU that has other work to do.
        device: "cpu" is all there is.
        delegates: for an accelerator; the runner keeps them alive as long as itself.

    Raises:
        DependencyError: no interpreter is installed.
        ModelError: the file is missing or no model, or needs operators the runtime does not have.
        BackendError: a delegate does not take the model; use another back end.
    """

    def __init__(
        self, model_path: Path, threads: int = 1, device: str = "cpu", delegates: tuple[Any, ...] = ()
    ) -> None:
        self._interpreter = _open(model_path, threads, delegates)
        try:
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _refusal(model_path, error, bool(delegates)) from error
        self._delegates = delegates
        self._inputs, self._input_index = _specs(self._interpreter.get_input_details())
        self._outputs, self._output_index = _specs(self._interpreter.get_output_details())

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        return self._outputs

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs: raw stored numbers in the tensors' own dtypes, freshly allocated.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the interpreter failed.
        """
        check_arrays(self._inputs, arrays)
        try:
            for index, array in zip(self._input_index, arrays, strict=True):
                self._interpreter.set_tensor(index, array)
            self._interpreter.invoke()
            return tuple(self._interpreter.get_tensor(index) for index in self._output_index)  # copies
        except RuntimeError as error:
            raise BackendError(
                f"LiteRT failed: {one_line(error)}.", "Use another back end, or restart Facecue."
            ) from error


def check_arrays(inputs: tuple[TensorSpec, ...], arrays: tuple[npt.NDArray[Any], ...]) -> None:
    """Compare arrays with the tensors they are for.

    Raises:
        ValueError: their number, a shape or a dtype differs; the caller prepared them wrongly.
    """
    if len(arrays) != len(inputs):
        raise ValueError(f"the model takes {len(inputs)} arrays, not {len(arrays)}")
    for spec, array in zip(inputs, arrays, strict=True):
        if array.shape != spec.shape or array.dtype.name != spec.dtype:
            raise ValueError(
                f"tensor {spec.name!r} takes {spec.dtype} {spec.shape}, not {array.dtype.name} {array.shape}"
            )


def interpreter_module() -> Any:
    """Return the module that holds `Interpreter` and `load_delegate`.

    Raises:
        DependencyError: none is installed; the remedy is the install line.
    """
    package = _package()
    if package is None:
        raise DependencyError("Neither ai_edge_litert nor tflite_runtime is installed.", INSTALL)
    return importlib.import_module(f"{package}.interpreter")


def read_specs(model_path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Return the inputs and outputs that a .tflite file declares, without preparing it to run.

    Raises:
        DependencyError: no interpreter is installed.
        ModelError: the file is missing or no model.
    """
    interpreter = _open(model_path, 1, ())
    return _specs(interpreter.get_input_details())[0], _specs(interpreter.get_output_details())[0]


def _open(model_path: Path, threads: int, delegates: tuple[Any, ...]) -> Any:
    """Return an interpreter that has read the file."""
    module = interpreter_module()
    if not model_path.is_file():
        raise ModelError(f"The model file {model_path} is missing.", RESTORE)
    try:
        return module.Interpreter(
            model_path=str(model_path), num_threads=threads, experimental_delegates=list(delegates) or None
        )
    except (ValueError, RuntimeError) as error:
        raise _refusal(model_path, error, bool(delegates)) from error


def _refusal(model_path: Path, error: Exception, delegated: bool) -> BackendError | ModelError:
    """Tell a file that is no model from a delegate that does not take it."""
    if delegated:
        return BackendError(
            f"The accelerator refused the model {model_path}: {one_line(error)}.", "Use another back end."
        )
    return ModelError(f"The model file {model_path} cannot be loaded: {one_line(error)}.", RESTORE)


def one_line(error: Exception) -> str:
    """Return a vendor's message on one line without its full stop, to stand inside a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _package() -> str | None:
    return next((name for name in PACKAGES if importlib.util.find_spec(name) is not None), None)


def _specs(details: list[dict[str, Any]]) -> tuple[tuple[TensorSpec, ...], tuple[int, ...]]:
    """Translate the interpreter's tensor details; its quantisation is (0.0, 0) where there is none."""
    specs = []
    for detail in details:
        scale, zero_point = detail["quantization"]
        shape = tuple(int(size) for size in detail["shape"])
        specs.append(TensorSpec(detail["name"], shape, np.dtype(detail["dtype"]).name, float(scale), int(zero_point)))
    return tuple(specs), tuple(int(detail["index"]) for detail in details)
