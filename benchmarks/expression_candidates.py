"""Compare ways from Action Units to expressions on the same faces, with 95 % intervals.

    python benchmarks/expression_candidates.py table.npz [--model models/expression] [--fer fer.npz] [--save FILE]

table.npz is what expression_table.py writes, fer.npz what expression_fer.py writes; a model is measured as it is. The
train split teaches, valid sets each one's temperature, the de-duplicated FER+ valid part is measured; intervals are
from 1,000 bootstrap replicates of its faces.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.expression.classifier import ExpressionModel
from assistant.facs import EXPRESSIONS
from benchmarks.expression_evidence import units
from training.expression import Table
from training.expression_candidates import CANDIDATES
from training.expression_card import macro_f1
from training.metrics import expected_calibration_error, interval
from training.softmax import Array, majority, softmax, temperature_of

COVERAGE: Final = 0.6
REPLICATES: Final = 1000


def main(argv: list[str] | None = None) -> int:
    """Learn and measure every candidate, print a plain table, and perhaps save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--model", type=Path, help="folder of a second stage that has learned")
    parser.add_argument("--fer", type=Path, help="what the package fer says of the same faces")
    parser.add_argument("--save", type=Path, help="write the figures as JSON")
    options = parser.parse_args(argv)
    with np.load(options.table) as file:
        columns = {name: file[name] for name in file.files}
    table = Table.make(
        columns["units"],
        columns["votes"],
        columns["groups"].tolist(),
        columns["splits"].tolist(),
        0,
        columns["majority"],
    )
    test = table.part("test")
    truths = truths_of(test)
    told = {name: shares_of(name, table) for name in CANDIDATES}
    if options.model:
        told[f"{options.model.name}, as it is"] = as_it_is(options.model, columns)
    if options.fer:
        told["fer, from pixels, 7 labels"] = peer(options.fer, columns)
    rows = {name: {truth: measure(shares, labels) for truth, labels in truths.items()} for name, shares in told.items()}
    print(as_text(rows))
    if options.save:
        options.save.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def truths_of(test: Table) -> dict[str, npt.NDArray[np.int64]]:
    """Return the true labels by three rules; -1 leaves a face out."""
    most = test.votes.max(axis=1, keepdims=True)
    first = test.votes.argmax(axis=1)
    tied = (test.votes == most).sum(axis=1) > 1
    return {"every face": first, "without ties": np.where(tied, -1, first), "FER+ rule": test.rule}


def shares_of(name: str, table: Table) -> Array:
    """Let a candidate learn, set its temperature, and return its shares of the measured faces."""
    candidate = CANDIDATES[name]()
    train, valid = table.part("train"), table.part("valid")
    candidate.learn(train.odds, train.votes)
    scores = {part.splits[0]: np.log(candidate.shares(part.odds) + 1e-6) for part in (valid, table.part("test"))}
    return softmax(scores["test"] / temperature_of(scores["valid"], majority(valid.votes)))


def as_it_is(folder: Path, columns: Mapping[str, npt.NDArray[Any]]) -> Array:
    """Return the shares that a model of the second stage gives the measured faces."""
    model = ExpressionModel(folder)
    faces = columns["units"][measured_in(columns)].tolist()
    shown = [[None if np.isnan(p) else p for p in face] for face in faces]
    return np.array([model.classify(units(row)).probabilities for row in shown], np.float64)


def measured_in(columns: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Return which rows of the table are measured, as `Table` chooses them."""
    return np.asarray((columns["splits"] == "test") & (columns["votes"].sum(axis=1) > 0), np.bool_)


def peer(path: Path, columns: Mapping[str, npt.NDArray[Any]]) -> Array:
    """Return the peer's shares of the measured faces, uncalibrated, as it gives them."""
    with np.load(path) as file:
        said = dict(zip(file["names"].tolist(), file["shares"], strict=True))
    return np.array([said[name] for name in columns["names"][measured_in(columns)].tolist()], np.float64)


def measure(shares: Array, truth: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return each figure with its interval."""
    known = truth >= 0
    shares, truth = shares[known], truth[known]
    whole = figures(shares, truth)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(truth), len(truth)) for _ in range(REPLICATES)]
    spread = [figures(shares[rows], truth[rows]) for rows in drawn]
    return {"faces": len(truth)} | {
        name: {"value": value, "interval": interval([one[name] for one in spread])} for name, value in whole.items()
    }


def figures(shares: Array, truth: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return accuracy, macro F1, calibration error, and precision where the surest 60 % are answered."""
    said, confidence = shares.argmax(axis=1), shares.max(axis=1)
    right = said == truth
    width = len(EXPRESSIONS)
    confusion = np.bincount(truth * width + said, minlength=width * width).reshape(width, width)
    surest = np.argsort(-confidence, kind="stable")[: round(COVERAGE * len(truth))]
    return {
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(confusion),
        "calibration_error": expected_calibration_error(right.astype(np.int8), confidence),
        "precision_at_60": float(right[surest].mean()),
    }


def as_text(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return a Markdown table for each truth."""
    lines = []
    for truth in next(iter(rows.values())):
        faces = next(iter(rows.values()))[truth]["faces"]
        lines += [
            f"{truth}, {faces} faces",
            "",
            "| from | accuracy | macro F1 | calibration error | precision at 60 % |",
        ]
        lines += ["|---|---|---|---|---|"]
        for name, measured in rows.items():
            cells = [figure for key, figure in measured[truth].items() if key != "faces"]
            said = " | ".join(
                f"{cell['value']:.3f} ({cell['interval'][0]:.3f} to {cell['interval'][1]:.3f})" for cell in cells
            )
            lines.append(f"| {name} | {said} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
