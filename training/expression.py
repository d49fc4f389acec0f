"""Learn the second stage: from Action Unit probabilities to the eight expressions of FER+.

The first stage is not touched: what is learned here sees 18 numbers a face, so it can be read, and it can only say
what the Action Units say. Targets are the voters' shares, not the majority alone: faces that people disagree on
teach the model to be unsure. The temperature is then set against the majority, so that a confidence is the
chance of saying what most people would.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from assistant.errors import FacecueError, OutputError
from assistant.expression.classifier import FILE_NAME, Weights, log_odds
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.inference.manifest import Manifest, write_manifest
from training.curves import draw_coverage
from training.expression_card import COVERAGE, Measured, card, measure
from training.softmax import Array, Network, majority, moments, softmax, standardise, temperature_of
from training.splits import SPLITS, split_of

WEIGHTINGS: Final[Mapping[str, float]] = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}
"""Power of a label's inverse frequency by which its faces count. "none" keeps confidence honest for people as they
come; "balanced" finds more of the rare labels, at the price of claiming them wrongly."""
PRECISION: Final = 0.90
"""Share of the labels said that should be right, on the calibration part; it sets the threshold."""
_LEAST_ANSWERED: Final = 0.05  # a precision measured on fewer faces than this share is luck
_LEAST_FACES: Final = 50  # in each split; with fewer, eight labels cannot be told apart or measured


class TableError(FacecueError):
    """The table to learn from is unusable: the cause says which part of it and why."""

    exit_status: ClassVar[int] = 2


def fit_expression(
    units: npt.ArrayLike,
    votes: npt.ArrayLike,
    groups: Sequence[object],
    out_folder: Path,
    *,
    splits: Sequence[str] | None = None,
    majority_by_rule: npt.ArrayLike | None = None,
    hidden: int = 0,
    weighting: str = "none",
    decay: float = 1e-3,
    precision: float = PRECISION,
    seed: int = 0,
    origin: str = "FER+ votes (Barsoum et al., 2016) on FER2013 pictures",
    licence: str = "Apache-2.0",
) -> Manifest:
    """Learn, calibrate, measure, and write model.json, manifest.json and card.md.

    The train split teaches the weights, valid sets temperature and threshold, test is only measured.

    Args:
        units: (N, 18) probabilities in `facs.AU_ORDER`; NaN where the model does not know the unit.
        votes: (N, 8) counts or shares in the order of `facs.EXPRESSIONS`; rows without a vote are left out.
        groups: (N,) what must not be torn apart, such as the person; decides the split of each face.
        out_folder: where to write; made if need be.
        splits: (N,) "train", "valid" or "test" instead of that, where a data set has its own; groups are still checked.
        majority_by_rule: (N,) label of each face by the data set's own rule, -1 where that drops it; the test part is
            measured by it too.
        hidden: units of a hidden layer; 0 is a logistic regression, whose evidence is exact.
        weighting: one of `WEIGHTINGS`.
        decay: weight of the squared weights in the loss (L2).
        precision: see `PRECISION`.
        seed: of the split and of the hidden layer's first weights.
        origin: of the votes, for the manifest.
        licence: of the weights, for the manifest.

    Returns:
        The manifest; its `metrics` hold one `Measured` each for valid and test, and "test_by_rule" with a rule.

    Raises:
        TableError: shapes, ranges or splits are wrong; correct the table.
    """
    table = Table.make(units, votes, groups, splits, seed, majority_by_rule)
    train, valid = table.part("train"), table.part("valid")
    mean, deviation = moments(train.odds)
    model = Network.learn(
        standardise(train.odds, mean, deviation), train.votes, hidden, WEIGHTINGS[weighting], decay, seed
    )
    scores = {name: model.scores(standardise(table.part(name).odds, mean, deviation)) for name in SPLITS}
    temperature = temperature_of(scores["valid"], majority(valid.votes))
    threshold = _threshold(softmax(scores["valid"] / temperature), valid.votes, precision)
    weights = Weights(
        labels=EXPRESSIONS,
        mean=_row(mean),
        deviation=_row(deviation),
        hidden_weights=tuple(_row(row) for row in model.hidden_weights),
        hidden_bias=_row(model.hidden_bias),
        weights=tuple(_row(row) for row in model.weights),
        bias=_row(model.bias),
        temperature=round(temperature, 6),
        threshold=math.floor(threshold * 1e6) / 1e6,
    )
    metrics = {
        name: measure(softmax(scores[name] / temperature), table.part(name).votes, threshold)
        for name in ("valid", "test")
    }
    ruled = table.part("test").rule >= 0
    if ruled.any():
        truth = np.eye(len(EXPRESSIONS))[table.part("test").rule[ruled]]
        metrics["test_by_rule"] = measure(softmax(scores["test"][ruled] / temperature), truth, threshold)
    training = {
        "faces": {name: len(table.part(name).odds) for name in SPLITS},
        "hidden": hidden,
        "weighting": weighting,
        "decay": decay,
        "precision": precision,
        "seed": seed,
        "units_without_values": [AU_ORDER[i] for i in np.flatnonzero(np.isnan(train.odds).all(axis=0))],
    }
    return _write(out_folder, weights, metrics, training, origin, licence)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training expression`."""
    parser.add_argument(
        "table", type=Path, help="NPZ with units (N, 18), votes (N, 8), groups (N,), perhaps splits, majority (N,)"
    )
    parser.add_argument("--output", type=Path, default=Path("models/expression"), help="folder (%(default)s)")
    parser.add_argument("--hidden", type=int, default=0, help="units of a hidden layer; 0: logistic regression")
    parser.add_argument("--weighting", choices=tuple(WEIGHTINGS), default="none", help="of rare labels (%(default)s)")
    parser.add_argument("--decay", type=float, default=1e-3, help="L2 penalty (%(default)s)")
    parser.add_argument("--precision", type=float, default=PRECISION, help="of what is said (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    """Learn from a table and print what was measured."""
    try:
        with np.load(options.table, allow_pickle=False) as table:
            units, votes, groups = table["units"], table["votes"], table["groups"]
            splits = [str(split) for split in table["splits"]] if "splits" in table else None
            rule = table.get("majority")
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise TableError(
            f"The table {options.table} cannot be read: {error}.", "Give an NPZ file with units, votes and groups."
        ) from error
    manifest = fit_expression(
        units,
        votes,
        groups.tolist(),
        options.output,
        splits=splits,
        majority_by_rule=rule,
        hidden=options.hidden,
        weighting=options.weighting,
        decay=options.decay,
        precision=options.precision,
        seed=options.seed,
    )
    print((options.output / "card.md").read_text(encoding="utf-8"))
    print(f"Wrote {options.output / manifest.file}.")
    return 0


@dataclass(frozen=True, slots=True)
class Table:
    """Faces in rows: log-odds (N, 18) with NaN where unknown, shares of votes (N, 8), split and rule's label (N,)."""

    odds: Array
    votes: Array
    splits: npt.NDArray[np.str_]
    rule: npt.NDArray[np.int64]

    @classmethod
    def make(
        cls,
        units: npt.ArrayLike,
        votes: npt.ArrayLike,
        groups: Sequence[object],
        splits: Sequence[str] | None,
        seed: int,
        majority_by_rule: npt.ArrayLike | None = None,
    ) -> Table:
        """Check and convert; refuse a group in two splits."""
        units, votes = np.asarray(units, np.float64), np.asarray(votes, np.float64)
        faces = len(units)
        if units.shape != (faces, len(AU_ORDER)) or votes.shape != (faces, len(EXPRESSIONS)) or len(groups) != faces:
            raise TableError(
                f"The table has units {units.shape}, votes {votes.shape} and {len(groups)} groups.",
                f"Give (N, {len(AU_ORDER)}) units, (N, {len(EXPRESSIONS)}) votes and N groups.",
            )
        if np.any((units < 0) | (units > 1)) or not np.all(np.isfinite(votes)) or np.any(votes < 0):
            raise TableError(
                "The table has a unit outside 0 to 1 or a vote below 0.", "Give probabilities and counts of votes."
            )
        names = np.array(splits if splits is not None else [split_of(str(group), seed) for group in groups], np.str_)
        _check_splits(names, groups)
        voted = votes.sum(axis=1) > 0
        shares = votes[voted] / votes[voted].sum(axis=1, keepdims=True)
        rule = np.full(faces, -1) if majority_by_rule is None else np.asarray(majority_by_rule)
        table = cls(log_odds(units[voted]), shares, names[voted], rule[voted].astype(np.int64))
        for name in SPLITS:
            if np.count_nonzero(table.splits == name) < _LEAST_FACES:
                raise TableError(
                    f"The {name} split has fewer than {_LEAST_FACES} faces with votes.", "Give more faces or groups."
                )
        return table

    def part(self, name: str) -> Table:
        """Return the faces of one split."""
        mine = self.splits == name
        return Table(self.odds[mine], self.votes[mine], self.splits[mine], self.rule[mine])


def _check_splits(names: npt.NDArray[np.str_], groups: Sequence[object]) -> None:
    unknown = sorted(set(names.tolist()) - set(SPLITS))
    if unknown or len(names) != len(groups):
        what = f"a split {unknown[0]!r}" if unknown else f"{len(names)} splits for {len(groups)} faces"
        raise TableError(f"The table has {what}.", f"Name one split a face, of: {', '.join(SPLITS)}.")
    seen: dict[str, str] = {}
    for group, name in zip(map(str, groups), names.tolist(), strict=True):
        if seen.setdefault(group, name) != name:
            raise TableError(f"The group {group!r} is in the splits {seen[group]} and {name}.", "Keep groups together.")


def _threshold(shares: Array, votes: Array, precision: float) -> float:
    """Return the least confidence from which what is said is right often enough; where none is, the best there is."""
    confidence = shares.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = shares.argmax(axis=1)[order] == votes.argmax(axis=1)[order]
    reached = np.cumsum(right) / np.arange(1, len(right) + 1)
    reached[: max(int(_LEAST_ANSWERED * len(right)), 1) - 1] = -1.0
    enough = np.flatnonzero(reached >= precision)
    last = int(enough[-1]) if len(enough) else int(np.argmax(reached))
    return float(confidence[order][last])


def _row(values: Array) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def _write(
    folder: Path,
    weights: Weights,
    metrics: Mapping[str, Measured],
    training: Mapping[str, Any],
    origin: str,
    licence: str,
) -> Manifest:
    fields = {
        "name": "expression",
        "task": "expression",
        "version": "1",
        "file": FILE_NAME,
        "licence": licence,
        "origin": origin,
        "metrics": {name: asdict(measured) for name, measured in metrics.items()},
        "training": dict(training),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(weights.model_dump(mode="json"), indent=1)
        (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")
        manifest = write_manifest(folder, fields)
        (folder / "card.md").write_text(card(weights, metrics, manifest), encoding="utf-8")
        draw_coverage(metrics, training["precision"], folder / COVERAGE)
    except OSError as error:
        raise OutputError(f"The model folder {folder} cannot be written: {error}.", "Give another --output.") from error
    return manifest
