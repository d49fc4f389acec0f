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
from assistant.inference.au_model import to_probability
from training.faces import Faces
from training.runs import Run, load_keras, unit_logits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", type=Path, help="folder of a calibrated run")
    parser.add_argument("--data", type=Path, default=Path("cache"), help="folder that prepare wrote")
    parser.add_argument("--splits", nargs="+", default=["train", "valid", "test"], help="of the faces to look at")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")


def run(options: argparse.Namespace) -> int:
    """Predict and write names, units (N, 18), votes (N, 8), groups, splits: the table that `expression` reads."""
    load_keras()
    trained, faces = Run.load(options.run), Faces.load(options.data)
    faces = faces.where(np.isin(faces.columns["split"], options.splits))
    names = faces.columns["names"]
    columns = {"groups": faces.columns["group"], "splits": faces.columns["split"]}
    if "emotion" in faces.columns:
        columns["votes"] = faces.columns["emotion"]
    units = probabilities(trained, faces.crops)
    part = options.out.with_name(options.out.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, names=names, units=units, **columns)  # type: ignore[arg-type]  # as in cache.py
        part.replace(options.out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{options.out} cannot be written: {error}.", "Choose another place with --out.") from error
    print(f"Wrote the probabilities of {len(names)} faces to {options.out}.")
    return 0


def probabilities(trained: Run, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return (N, 18) float32 probabilities with the run's calibration; NaN for a unit that it does not know."""
    return calibrated(trained, unit_logits(trained, crops))


def calibrated(trained: Run, logits: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Return (N, 18) float32 probabilities of uncalibrated logits (N, 18); NaN for a unit the run does not know."""
    lines: dict[str, dict[str, float]] = trained.settings.get("calibration", {})
    known: dict[str, bool] = trained.settings.get("known", {})
    a = np.array([lines.get(unit, {"a": 1.0})["a"] for unit in AU_ORDER])
    b = np.array([lines.get(unit, {"b": 0.0})["b"] for unit in AU_ORDER])
    probability = to_probability(a * logits + b, "log-odds")
    unknown = [
        column is None or not known.get(unit, True) for unit, column in zip(AU_ORDER, trained.columns, strict=True)
    ]
    return np.where(unknown, np.nan, probability).astype(np.float32)
