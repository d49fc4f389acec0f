"""Write a network's unit probabilities for every face of a cache: `python -m training predict RUN`.

They teach another network (`train --soft FILE`) and are what the second stage is learned on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import OutputError
from assistant.facs import AU_ORDER
from training.faces import Faces
from training.runs import Run, load_keras, unit_logits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, help="folder of a calibrated run")
    parser.add_argument("--data", type=Path, default=Path("cache"), help="folder that prepare wrote")
    parser.add_argument("--splits", nargs="+", default=["train", "valid", "test"], help="of the faces to look at")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")


def run(options: argparse.Namespace) -> int:
    """Predict and write `names` (N,) and `probability` (N, 18) float32, calibrated."""
    load_keras()
    trained, faces = Run.load(options.run), Faces.load(options.data)
    chosen = np.isin(faces.columns["split"], options.splits)
    names = faces.columns["names"][chosen]
    probability = probabilities(trained, faces.crops[chosen])
    try:
        np.savez_compressed(options.out, names=names, probability=probability, units=np.array(AU_ORDER))
    except OSError as error:
        raise OutputError(f"{options.out} cannot be written: {error}.", "Choose another place with --out.") from error
    print(f"Wrote the probabilities of {len(names)} faces to {options.out}.")
    return 0


def probabilities(trained: Run, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return (N, 18) float32 probabilities with the run's calibration; 0.5 for a unit without an output."""
    logits = unit_logits(trained, crops)
    lines: dict[str, dict[str, float]] = trained.settings.get("calibration", {})
    a, b = (np.array([lines.get(unit, same)[key] for unit in AU_ORDER]) for key, same in _IDENTITY)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(a * logits + b, -30, 30))), np.float32)


_IDENTITY: tuple[tuple[str, dict[str, Any]], ...] = (("a", {"a": 1.0}), ("b", {"b": 0.0}))
