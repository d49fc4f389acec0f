"""Measure whether the Action Units that are named for an expression carry it.

    python benchmarks/expression_evidence.py table.npz [--model models/expression] [--save FILE]

For each measured face with an expression other than neutral, the named units are taken away, and by turns as many
others that are more active than on average. Units that carry the expression take its probability with them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.expression.classifier import FILE_NAME, ExpressionModel, log_odds, read_weights
from assistant.facs import EXPRESSIONS, UNCLEAR, index
from assistant.types import ActionUnits


@dataclass(frozen=True, slots=True)
class Taken:
    """Hold what taking units away did: to the expression's probability, and whether another became most probable."""

    fall: float
    changed: bool


def main(argv: list[str] | None = None) -> int:
    """Take units away from every face, print the means, and perhaps save them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="what expression_table.py writes")
    parser.add_argument("--model", type=Path, default=Path("models/expression"), help="folder (%(default)s)")
    parser.add_argument("--save", type=Path, help="write the figures as JSON")
    options = parser.parse_args(argv)
    with np.load(options.table) as file:
        faces = file["units"][file["splits"] == "test"]
    model, mean = ExpressionModel(options.model), read_weights(options.model / FILE_NAME).mean
    random, both = np.random.default_rng(0), []
    for face in faces.tolist():
        shown = [None if np.isnan(p) else p for p in face]
        named, others = named_and_others(model, shown, mean)
        if named and others:
            count = min(len(named), len(others))
            chosen = random.choice(others, count, replace=False).tolist()
            both.append((without(model, shown, named[:count]), without(model, shown, chosen)))
    report = {"faces": len(both)} | {
        name: {"fall": float(np.mean([t.fall for t in taken])), "changed": float(np.mean([t.changed for t in taken]))}
        for name, taken in zip(("named", "others"), zip(*both, strict=True), strict=True)
    }
    print(json.dumps(report, indent=1))
    if options.save:
        options.save.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def named_and_others(
    model: ExpressionModel, shown: Sequence[float | None], mean: Sequence[float]
) -> tuple[list[int], list[int]]:
    """Return the units named for the face's expression, and those not named that are more active than on average."""
    expression = model.classify(units(shown))
    if expression.label in (UNCLEAR, "neutral"):
        return [], []
    named = [index(unit) for unit in expression.evidence]
    odds = log_odds(np.array([np.nan if p is None else p for p in shown]))
    return named, [place for place in np.flatnonzero(odds > np.array(mean)).tolist() if place not in named]


def without(model: ExpressionModel, shown: Sequence[float | None], places: Iterable[int]) -> Taken:
    """Return what becomes of the face's expression when units are not known."""
    before = model.classify(units(shown))
    taken = set(places)
    after = model.classify(units([None if place in taken else p for place, p in enumerate(shown)]))
    label = EXPRESSIONS.index(before.label)
    return Taken(before.probabilities[label] - after.probabilities[label], int(np.argmax(after.probabilities)) != label)


def units(shown: Sequence[float | None]) -> ActionUnits:
    """Return the probabilities as Action Units; the second stage reads nothing else."""
    return ActionUnits(tuple(shown), tuple(None if p is None else p >= 0.5 for p in shown))


if __name__ == "__main__":
    raise SystemExit(main())
