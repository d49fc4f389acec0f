"""Run a .tflite model with OpenVINO on an Intel CPU, GPU or NPU.

OpenVINO reads the .tflite file itself. It keeps 8-bit inputs and outputs as the file declares them, so that the stored
numbers in and out are those of LiteRT; the runner checks that when it loads. Scales and zero points, which OpenVINO
does not show, are read with LiteRT.

Processors without VNNI add two products of 8-bit numbers in 16 bits, which saturates and gives wrong answers without a
word (oneDNN, Nuances of int8 Computations; OpenVINO, Saturation Issue). The runner measures whether this one does; if
so it computes a model with weights beyond `SAFE_WEIGHT` in floating point: right, but slower.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import BackendError, DependencyError, ModelError
from assistant.inference.backends import litert
from assistant.types import TensorSpec

NAME: Final = "openvino"
INSTALL: Final = "Run: pip install 'facecue[openvino]'"
SAFE_WEIGHT: Final = 64
"""Largest 8-bit weight that cannot saturate: 2 * 255 * 64 is less than 2 ** 15."""


def available() -> str | None:
    """Return None where this back end can be used, else the reason with the install line."""
    if importlib.util.find_spec("openvino") is None:
        return f"OpenVINO is not installed. {INSTALL}"
    return litert.available()


def devices() -> tuple[str, ...]:
    """Return what it can run on here, the default first; loads OpenVINO.

    Raises:
        DependencyError: OpenVINO is not installed.
        BackendError: OpenVINO is installed and does not start.
    """
    found = {name.split(".")[0].lower() for name in _core().available_devices}
    return tuple(name for name in ("cpu", "gpu", "npu") if name in found)


class Runner:
    """Run one model with one OpenVINO inference request. Not thread-safe.

    Args:
        model_path: a .tflite file with static shapes.
        threads: of the CPU plug-in. 1 leaves the other cores to the camera and the voice.
        device: "cpu", "gpu" or "npu".

    Raises:
        DependencyError: OpenVINO or LiteRT is not installed.
        ModelError: the file is missing or no model.
        BackendError: the device is not there or does not take the model; use another back end.
    """

    def __init__(self, model_path: Path, threads: int = 1, device: str = "cpu") -> None:
        core = _core()
        self._inputs, self._outputs = litert.read_specs(model_path)
        try:
            model = core.read_model(str(model_path))
        except RuntimeError as error:
            raise ModelError(
                f"OpenVINO cannot read the model file {model_path}: {litert.one_line(error)}.", litert.RESTORE
            ) from error
        # Full precision between the 8-bit layers: newer CPUs would take bfloat16 there, and differ from LiteRT.
        options = {"PERFORMANCE_HINT": "LATENCY"}
        if device == "cpu":
            options |= {"INFERENCE_NUM_THREADS": str(threads), "INFERENCE_PRECISION_HINT": "f32"}
        try:
            if device == "cpu" and _large_weights(model) and saturates():
                options["LP_TRANSFORMS_MODE"] = "NO"
            compiled = core.compile_model(model, device.upper(), options)
            self._request = compiled.create_infer_request()
        except RuntimeError as error:
            raise BackendError(
                f"OpenVINO cannot run {model_path} on {device}: {litert.one_line(error)}.", "Use another back end."
            ) from error
        self._entries = [_port(compiled.inputs, spec) for spec in self._inputs]
        self._results = [_port(compiled.outputs, spec) for spec in self._outputs]

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
            BackendError: the device failed.
        """
        litert.check_arrays(self._inputs, arrays)
        try:
            results = self._request.infer(dict(zip(self._entries, arrays, strict=True)))
        except RuntimeError as error:
            raise BackendError(
                f"OpenVINO failed: {litert.one_line(error)}.", "Use another back end, or restart Facecue."
            ) from error
        return tuple(np.array(results[port]) for port in self._results)


@functools.cache
def saturates() -> bool:
    """Measure whether this processor's 8-bit products saturate; takes a tenth of a second, once.

    Sums 64 products of 255 and 127 with OpenVINO, as a convolution of a quantised model would.

    Raises:
        DependencyError: OpenVINO is not installed.
        BackendError: OpenVINO does not start.
    """
    core = _core()
    openvino = vendor()
    ops = importlib.import_module("openvino.opset13")
    entry = ops.parameter([1, 64, 8, 8], np.float32)
    low, high, one = (ops.constant(np.float32(value)) for value in (0, 255, 1))
    weights = ops.constant(np.full((32, 64, 1, 1), 127, np.int8))
    product = ops.convolution(
        ops.fake_quantize(entry, low, high, low, high, 256),
        ops.multiply(ops.convert(weights, "f32"), one),
        [1, 1],
        [0, 0],
        [0, 0],
        [1, 1],
    )
    compiled = core.compile_model(openvino.Model([product], [entry]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(np.full((1, 64, 8, 8), 255, np.float32))[0]
    return bool(np.abs(found - 64 * 255 * 127).max() > 1)


def _large_weights(model: Any) -> bool:
    """Tell whether a model has 8-bit constants that could saturate."""
    return any(
        int(np.abs(node.data.astype(np.int16)).max(initial=0)) > SAFE_WEIGHT
        for node in model.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type().get_type_name() == "i8"
    )


def vendor() -> Any:
    """Return the package, loaded without its telemetry.

    `import openvino` alone reports the import to Google Analytics and writes `~/intel/`, without asking. Where
    `openvino_telemetry` cannot be imported it uses a stub of its own that does nothing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it fails
    return importlib.import_module("openvino")


def _core() -> Any:
    if importlib.util.find_spec("openvino") is None:
        raise DependencyError("OpenVINO is not installed.", INSTALL)
    try:
        return vendor().Core()
    except (ImportError, RuntimeError) as error:
        raise BackendError(f"OpenVINO does not start: {litert.one_line(error)}.", f"{INSTALL} --upgrade") from error


def _port(ports: list[Any], spec: TensorSpec) -> Any:
    """Return the port that carries a tensor, by its name in the model file, with shape and dtype as declared there.

    Raises:
        BackendError: this release of OpenVINO changed it; use another back end.
    """
    port = next((port for port in ports if spec.name in port.get_names()), None)
    if port is None and len(ports) == 1:
        port = ports[0]
    if port is None or tuple(port.shape) != spec.shape or port.element_type.to_dtype() != np.dtype(spec.dtype):
        raise BackendError(
            f"OpenVINO does not keep the tensor {spec.name!r} as {spec.dtype} {spec.shape}.", "Use another back end."
        )
    return port
