"""Run a .tflite model on a Coral Edge TPU through its LiteRT delegate.

The model is `NAME_edgetpu.tflite` beside `NAME.tflite` where the Edge TPU compiler has made one; the plain file would
load too, but run on the CPU.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from assistant.errors import BackendError
from assistant.inference.backends import litert
from assistant.types import TensorSpec

NAME: Final = "edgetpu"
LIBRARY: Final = "libedgetpu.so.1"
INSTALL: Final = (
    "Install the Edge TPU runtime: sudo apt-get install libedgetpu1-std (from packages.cloud.google.com/apt)"
)
PLUG_IN: Final = "Plug the accelerator in, wait a few seconds and start again, or use --backend litert."


def available() -> str | None:
    """Return None where the library can be loaded, else the reason with the install line.

    Whether a device answers is known only to the delegate, when a `Runner` is made.
    """
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return f"The Edge TPU library {LIBRARY} is not installed. {INSTALL}"
    return litert.available()


def devices() -> tuple[str, ...]:
    """Return what it can run on: the first Edge TPU that the library finds."""
    return ("any",)


class Runner:
    """Run one model on one Edge TPU. Not thread-safe.

    Args:
        model_path: the plain .tflite file; its compiled neighbour is preferred.
        threads: for operators that the compiler left on the CPU.
        device: "any", or the library's own name for one: "usb", "usb:0", "pci", "pci:1".
        library: the delegate's shared library; tests give their own.

    Raises:
        DependencyError: no LiteRT interpreter is installed.
        ModelError: the file is missing or no model.
        BackendError: the library is missing, no device answers, or it does not take the model.
    """

    def __init__(self, model_path: Path, threads: int = 1, device: str = "any", library: str = LIBRARY) -> None:
        delegate = _load(library, {} if device == "any" else {"device": device})
        self._runner = litert.Runner(compiled_path(model_path), threads, delegates=(delegate,))

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        return self._runner.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        return self._runner.outputs

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs: raw stored numbers in the tensors' own dtypes, freshly allocated.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the device failed, or was unplugged.
        """
        return self._runner.run(*arrays)


def compiled_name(model_file: str) -> str:
    """Return what the Edge TPU compiler calls its version of a model file."""
    return f"{Path(model_file).stem}_edgetpu.tflite"


def compiled_path(model_path: Path) -> Path:
    """Return the compiled neighbour of a model file where there is one, else the file itself."""
    compiled = model_path.with_name(compiled_name(model_path.name))
    return compiled if compiled.is_file() else model_path


def _load(library: str, options: dict[str, str]) -> Any:
    """Return the delegate. It says ValueError where no device answers.

    The library is probed first: LiteRT's own loader prints a second error from its finaliser when that fails.
    """
    module = litert.interpreter_module()
    try:
        found = ctypes.CDLL(library)
    except OSError as error:
        raise BackendError(
            f"The Edge TPU library {library} cannot be loaded: {litert.one_line(error)}.", INSTALL
        ) from error
    if not hasattr(found, "tflite_plugin_create_delegate"):
        raise BackendError(f"The library {library} is no LiteRT delegate.", INSTALL)
    try:
        return module.load_delegate(library, options)
    except ValueError as error:
        which = options.get("device", "any")
        raise BackendError(f"No Edge TPU answers (device {which}).", PLUG_IN) from error
