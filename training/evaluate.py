"""Measure a model folder on people it has not seen: `python -m training evaluate models/NAME --data CACHE`.

The 8-bit file runs as on the device, one face at a time. Faces annotated by eye, each research set and rendered faces
are separate tables: their figures are never averaged.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError, OutputError
from assistant.facs import AU_ORDER
from assistant.inference.backends.litert import Runner
from assistant.inference.manifest import Manifest, verify, write_manifest
from assistant.types import Floats
from training import leak, metrics, report, slices
from training.faces import Faces, inputs
from training.quantize import probabilities, read_json
from training.runs import Run
from training.splits import SPLITS, check_disjoint

FILE: Final = "evaluation.json"
BY_EYE: Final = "annotated by eye"
_OWN_TABLE: Final = {
    "bp4d": "BP4D",
    "disfa": "DISFA",
    "disfaplus": "DISFA+",
    "ckplus": "CK+",
    "rendered": "rendered faces",
}
"""Sources that are measured by themselves; all others are faces annotated by eye."""

PAPER_UNITS: Final = {
    "BP4D": ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24"),
    "DISFA": ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26"),
}
"""The units that papers report on these sets, in their order; they are averaged whatever their support."""

_POINTS: Final = 60  # of a curve in evaluation.json; more are not to be seen in the picture


class Subject:
    """Hold the model under test. Blocks for every inference; not thread-safe.

    Args:
        folder: of the model.

    Raises:
        ModelError: the folder holds no model of Action Units, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        self.manifest: Manifest = verify(folder)
        if self.manifest.task != "action_units" or self.manifest.input is None:
            raise ModelError(f"{folder} is no model of Action Units.", "Name one, such as models/vggface.")
        self._runner = Runner(folder / self.manifest.file, threads=os.cpu_count() or 1)
        self._size_px = self.manifest.input.size_px
        self.thresholds = np.array([self.manifest.action_units[unit].threshold for unit in AU_ORDER])

    def predict(self, crops: npt.NDArray[np.uint8], change: slices.Change | None = None) -> Floats:
        """Return (N, 18) probabilities of cached crops, each changed first where a change is given."""
        rows = [
            probabilities(
                self._runner,
                inputs((crop if change is None else change(crop))[None], self._size_px, 1),
                self.manifest.output,
                self.manifest.mirrored,
            )
            for crop in crops
        ]
        return np.concatenate(rows) if rows else np.zeros((0, len(AU_ORDER)), np.float32)


def table_of(faces: Faces) -> npt.NDArray[np.str_]:
    """Return the table that each face belongs to."""
    return np.array([_OWN_TABLE.get(source, BY_EYE) for source in faces.source.tolist()])


def evaluate(subject: Subject, faces: Faces, split: str, run: Run | None = None) -> dict[str, Any]:
    """Measure everything there is data for.

    Args:
        subject: the model.
        faces: the whole cache.
        split: "test", or "valid" while a model is being developed.
        run: the training run, for the comparison of splits; None leaves that out.

    Raises:
        LeakError: a person is in two splits.
        ModelError: the split has no annotated face.
    """
    check_disjoint(faces.columns["names"], faces.columns["group"], faces.columns["split"])
    held_out = faces.where(faces.annotated(split))
    if not len(held_out):
        raise ModelError(f"No face in the {split} split has Action Units.", "Prepare annotated data.")
    found = subject.predict(held_out.crops)
    belongs, tables = table_of(held_out), {}
    for name in np.unique(belongs):
        rows = belongs == name
        tables[str(name)] = _score(subject, held_out.where(rows), found[rows]).as_json()
    by_eye = belongs == BY_EYE
    return {
        "model": subject.manifest.name,
        "sha256": subject.manifest.sha256,
        "split": split,
        "data": _counts(faces),
        "tables": tables,
        "papers": {n: t for n in PAPER_UNITS if (t := _paper(tables.get(n), PAPER_UNITS[n]))},
        "annotators": annotators(held_out.where(by_eye), found[by_eye], subject.thresholds),
        "slices": _slices(subject, held_out, found, belongs),
        "reliability": _reliability(held_out.where(by_eye), found[by_eye]),
        "curves": _curves(held_out.where(by_eye), found[by_eye]),
        "splits": None if run is None else _leak(run, faces),
    }


def annotators(faces: Faces, found: npt.NDArray[Any], thresholds: npt.NDArray[Any]) -> dict[str, Any]:
    """Compare the model with a second annotator: F1 of each against the first, on faces that both coded.

    Returns:
        `faces`, `units` (unit: support, second, model) for units with eight or more positives, and `mean` of both.
    """
    if "second" not in faces.columns:
        return {"faces": 0, "units": {}, "mean": None}
    both = (faces.columns["second"] > -2).any(1)
    first, second = (metrics.occurrence(faces.columns[name][both]) for name in ("au", "second"))
    truth, called = metrics.both_sure(first, second), found[both] >= thresholds
    units = {}
    for unit, (support, score) in metrics.agreement(first, second).items():
        place = AU_ORDER.index(unit)
        model = metrics.f1(truth[:, place], called[:, place])
        units[unit] = {"support": support, "second": score, "model": model}
    mean = {who: float(np.mean([row[who] for row in units.values()])) for who in ("second", "model")} if units else None
    return {"faces": int(both.sum()), "units": units, "mean": mean}


def save(folder: Path, evaluation: Mapping[str, Any]) -> None:
    """Write `evaluation.json`, and the figures of the faces annotated by eye into the manifest.

    Raises:
        OutputError: the folder cannot be written.
    """
    fields = read_json(folder / "manifest.json")
    table = evaluation["tables"].get(BY_EYE)
    if table is not None:
        for unit, row in table["units"].items():
            fields["action_units"][unit] |= {
                "support": row["support"],
                **{key: row[key] for key in ("auc", "f1", "average_precision", "calibration_error")},
            }
        summary = {key: table[key] for key in ("mean", "mean_interval", "pooled", "faces", "people")}
        fields["metrics"] = {**fields.get("metrics", {}), evaluation["split"]: summary}
    try:
        (folder / FILE).write_text(json.dumps(evaluation, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        write_manifest(folder, fields)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error}.", "Free some space.") from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="folder of an exported model")
    parser.add_argument("--data", type=Path, required=True, help="folder written by 'prepare'")
    parser.add_argument("--split", choices=("valid", "test"), default="test")
    parser.add_argument(
        "--run", type=Path, dest="run_folder", help="training run, to compare random with person splits"
    )
    parser.add_argument("--save", action="store_true", help="write evaluation.json and the manifest's figures")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(args: argparse.Namespace) -> int:
    """Measure, print, and save where asked."""
    subject, trained = Subject(args.model), None if args.run_folder is None else Run.load(args.run_folder)
    faces = Faces.checked(args.data, *([] if trained is None else [trained.settings]))
    evaluation = evaluate(subject, faces, args.split, trained)
    if args.save:  # first: a reader that goes away, such as head, ends the printing
        save(args.model, evaluation)
    print(json.dumps(evaluation) if args.json else report.words(evaluation))
    return 0


def _score(
    subject: Subject, faces: Faces, found: npt.NDArray[Any], replicates: int = metrics.REPLICATES
) -> metrics.Scores:
    labels = metrics.occurrence(faces.columns["au"])
    return metrics.score_units(labels, found, subject.thresholds.tolist(), faces.columns["group"], replicates)


def _slices(subject: Subject, faces: Faces, found: npt.NDArray[Any], belongs: npt.NDArray[Any]) -> dict[str, Any]:
    """Score every slice of every table; a slice's mean is over its own units with enough positives."""
    tables: dict[str, Any] = {}
    for name in np.unique(belongs):
        rows = belongs == name
        part, said = faces.where(rows), found[rows]
        table = {"all": _short(_score(subject, part, said, 0))}
        for kind, mask in slices.kinds(part):
            table[kind] = _short(_score(subject, part.where(mask), said[mask], 0))
        for kind, change in slices.changes().items():
            table[kind] = _short(_score(subject, part, subject.predict(part.crops, change), 0))
        tables[str(name)] = table
    return tables


def _short(scores: metrics.Scores) -> dict[str, Any]:
    return {
        "faces": scores.faces,
        "units": len(scores.pooled),
        "f1": scores.mean["f1"],
        "auc": scores.mean["auc"],
    }


def _paper(table: Mapping[str, Any] | None, units: tuple[str, ...]) -> dict[str, Any] | None:
    """Return F1 of a paper's units and their mean, or None without such data."""
    if table is None:
        return None
    row = {unit: table["units"][unit]["f1"] for unit in units}
    known = [value for value in row.values() if value is not None]
    return {**row, "mean": float(np.mean(known)) if known else None}


def _reliability(faces: Faces, found: npt.NDArray[Any]) -> dict[str, list[float]]:
    """Return the bins of the reliability diagram over all units together."""
    labels = metrics.occurrence(faces.columns["au"])
    said, so, count = metrics.calibration_bins(labels.ravel(), found.ravel(), 20)
    return {"said": said.tolist(), "so": so.tolist(), "count": count.tolist()}


def _curves(faces: Faces, found: npt.NDArray[Any]) -> dict[str, dict[str, list[float]]]:
    """Return precision over recall of each unit that has positives, at no more than `_POINTS` places."""
    labels, curves = metrics.occurrence(faces.columns["au"]), {}
    for place, unit in enumerate(AU_ORDER):
        if (labels[:, place] == 1).any():
            precision, recall = metrics.precision_recall(labels[:, place], found[:, place])
            picked = np.unique(np.linspace(0, len(recall) - 1, _POINTS).round().astype(int))
            curves[unit] = {"recall": recall[picked].tolist(), "precision": precision[picked].tolist()}
    return curves


def _counts(faces: Faces) -> dict[str, dict[str, int]]:
    """Return the faces of each source: annotated ones by split, and `other`, the rest of the train split."""
    split, annotated, source = faces.columns["split"], faces.annotated(), faces.source
    counts = {}
    for name in np.unique(source).tolist():
        here = source == name
        counts[str(name)] = {part: int((annotated & here & (split == part)).sum()) for part in SPLITS}
        counts[str(name)]["other"] = int((~annotated & here & (split == "train")).sum())
    return counts


def _leak(run: Run, faces: Faces) -> dict[str, Any] | None:
    """Compare random with person-disjoint halves of the faces annotated by eye; None where there are none."""
    held_out = faces.where(faces.annotated("valid", "test"))
    held_out = held_out.where(table_of(held_out) == BY_EYE)
    if not len(held_out):
        return None
    return leak.compare(leak.features(run, held_out.crops), held_out)
