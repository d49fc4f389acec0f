"""Make the table that the second stage is learned on: FER+ faces only, measured on the valid part of FER+.

    python benchmarks/expression_table.py models/compact CACHE FERPLUS table.npz
    python -m training expression table.npz

The 8-bit model looks at the prepared crops as on the device; a unit that it does not know is NaN. Of repeated pictures
in the measured part one is kept; people and duplicates of it are in no other part. `majority` is the label by FER+'s
own rule, -1 where that drops a face.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.facs import AU_ORDER
from training.datasets.ferplus import majority_by_rule, read_votes
from training.evaluate import Subject
from training.faces import Faces


def main() -> int:
    """Select the faces, look at them, and write units, votes, groups, splits, names and majority."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a model of Action Units")
    parser.add_argument("cache", type=Path, help="folder that prepare wrote")
    parser.add_argument("ferplus", type=Path, help="folder with train.npz and valid.npz")
    parser.add_argument("out", type=Path, help="NPZ to write")
    options = parser.parse_args()
    faces = Faces.load(options.cache)
    chosen = select(faces)
    faces, measured = faces.where(np.flatnonzero(chosen)), (faces.columns["part"] == "valid")[chosen]
    rule = {name: label for part in ("train", "valid") for name, label in _labels(options.ferplus, part).items()}
    names = faces.columns["names"]
    np.savez_compressed(
        options.out,
        names=names,
        units=units_of(Subject(options.model), faces),
        votes=faces.columns["emotion"],
        groups=faces.columns["group"],
        splits=faces.columns["split"],
        majority=np.array([rule[str(name)] for name in names], np.int8),
    )
    print(f"{len(names)} faces, {int(measured.sum())} of them to measure on.")
    return 0


def select(faces: Faces) -> npt.NDArray[np.bool_]:
    """Return (N,) which faces of a cache belong into the table."""
    table = faces.columns
    voted = table["usable"].astype(bool) & (table["emotion"].sum(1) > 0)
    measured = (faces.source == "ferplus") & (table["part"] == "valid") & voted
    keep = (faces.source == "ferplus") & voted & ((table["split"] != "test") | measured)
    rows = np.flatnonzero(measured)
    _, first = np.unique(table["group"][rows], return_index=True)
    keep[np.setdiff1d(rows, rows[first])] = False
    return np.asarray(keep, np.bool_)


def units_of(subject: Subject, faces: Faces) -> npt.NDArray[np.float32]:
    """Return (N, 18) probabilities of the 8-bit model; NaN for a unit it does not know."""
    found = subject.predict(faces.crops)
    found[:, [not subject.manifest.action_units[unit].known for unit in AU_ORDER]] = np.nan
    return found


def _labels(folder: Path, part: str) -> dict[str, Any]:
    names, votes = read_votes(folder, part)
    return dict(zip(names, majority_by_rule(votes).tolist(), strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
