"""Build model folders, runners and Action Units for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assistant.facs import AU_ORDER
from assistant.inference.manifest import Manifest, write_manifest
from assistant.types import ActionUnits, TensorRunner, TensorSpec

GOLDEN = Path(__file__).parent / "golden"
TINY_INPUT = TensorSpec("in", (1, 16, 16, 3), "int8", 0.019999999552965164, 0)
TINY_OUTPUT = TensorSpec("out", (1, 18), "int8", 1 / 256, -128)


def au_fields(name: str = "tiny", file: str = "model.tflite", **changes: Any) -> dict[str, Any]:
    """Return a manifest's fields for the tiny golden model."""
    fields: dict[str, Any] = {
        "name": name,
        "task": "action_units",
        "version": "1",
        "file": file,
        "licence": "Apache-2.0",
        "origin": "tests/golden/make_tiny_int8.py",
        "input": {"size_px": 16, "channels": 3, "normalisation": "standardised-grey"},
        "action_units": {au: {"known": True, "threshold": 0.5} for au in AU_ORDER},
    }
    return fields | changes


def model_folder(parent: Path, name: str = "tiny", **changes: Any) -> Path:
    """Write a folder that holds the tiny golden model and its manifest."""
    folder = parent / name
    folder.mkdir(parents=True)
    content = (GOLDEN / "tiny_int8.tflite").read_bytes()
    (folder / "model.tflite").write_bytes(content)
    write_manifest(folder, au_fields(name, **changes))
    return folder


def manifest(**changes: Any) -> Manifest:
    """Return a manifest without a folder."""
    return Manifest.model_validate({"sha256": "0" * 64, "bytes": 1, **au_fields(), **changes})


def units(default: float | None = 0.1, threshold: float = 0.5, **probabilities: float | None) -> ActionUnits:
    """Return Action Units of one probability but for those named: `units(AU12=0.9)`."""
    values = tuple(probabilities.get(au, default) for au in AU_ORDER)
    return ActionUnits(values, tuple(None if p is None else p >= threshold for p in values))


class ScriptedRunner(TensorRunner):
    """Answer every run with the same stored numbers, or raise; remember what came in."""

    def __init__(
        self,
        answer: Any = 0,
        entry: TensorSpec = TINY_INPUT,
        out: TensorSpec = TINY_OUTPUT,
        error: Exception | None = None,
    ) -> None:
        self._inputs, self._outputs = (entry,), (out,)
        self._answer, self.error = answer, error
        self.seen: list[np.ndarray] = []

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        if self.error is not None:
            raise self.error
        self.seen += arrays
        out = self._outputs[0]
        return (np.broadcast_to(np.asarray(self._answer, out.dtype), out.shape).copy(),)
