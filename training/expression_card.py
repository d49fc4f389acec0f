"""Measure the second stage, and write its card from the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.expression.classifier import Weights
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.inference.manifest import Manifest
from training.metrics import expected_calibration_error
from training.softmax import Array, log_loss, majority

COVERAGE: Final = "coverage.png"
"""Name of the picture that `curves.draw_coverage` draws beside the card."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold how well labels were told on one split.

    Attributes:
        faces: how many.
        accuracy: of the most probable label against the voters' majority, all faces answered.
        macro_f1: mean F1 over the labels that occur, all faces answered.
        answered: share of faces at or above the threshold.
        precision: share of right labels among those answered; None where none is.
        log_loss: mean cross-entropy against the majority, in nats.
        calibration_error: expected calibration error of the confidence, ten bins of equal mass.
        curve: (coverage, least confidence, precision) where the surest tenth, two tenths, ... are answered.
        confusion: (8, 8) counts, row = majority of the votes, column = most probable label.
    """

    faces: int
    accuracy: float
    macro_f1: float
    answered: float
    precision: float | None
    log_loss: float
    calibration_error: float
    curve: tuple[tuple[float, float, float], ...]
    confusion: tuple[tuple[int, ...], ...]


def measure(shares: Array, votes: Array, threshold: float) -> Measured:
    """Compare the model's shares with the votes, both (N, 8); faces that labels tie for count as the first of these."""
    said, truth, confidence = shares.argmax(axis=1), votes.argmax(axis=1), shares.max(axis=1)
    confusion = np.zeros((len(EXPRESSIONS), len(EXPRESSIONS)), np.int64)
    np.add.at(confusion, (truth, said), 1)
    answered = confidence >= threshold
    right = said == truth
    return Measured(
        faces=len(truth),
        accuracy=float(right.mean()),
        macro_f1=macro_f1(confusion),
        answered=float(answered.mean()),
        precision=float(right[answered].mean()) if answered.any() else None,
        log_loss=log_loss(shares, majority(votes)),
        calibration_error=expected_calibration_error(right.astype(np.int8), confidence),
        curve=coverage_curve(confidence, right),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def macro_f1(confusion: npt.NDArray[Any]) -> float:
    """Return the mean F1 over the labels that occur, of (8, 8) counts with a row for each true label."""
    f1 = 2 * confusion.diagonal() / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return float(f1[confusion.sum(axis=1) > 0].mean())


def coverage_curve(confidence: Array, right: npt.NDArray[np.bool_]) -> tuple[tuple[float, float, float], ...]:
    """Return the curve of `Measured`, from the (N,) confidences and whether each label was right."""
    order = np.argsort(-confidence, kind="stable")
    counts = [max(round(len(order) * tenth / 10), 1) for tenth in range(1, 11)]
    return tuple(
        (tenth / 10, round(float(confidence[order[count - 1]]), 4), round(float(right[order[:count]].mean()), 4))
        for tenth, count in enumerate(counts, 1)
    )


def card(weights: Weights, metrics: Mapping[str, Measured], manifest: Manifest) -> str:
    """Write the model card from the measured numbers."""
    training, test = manifest.training, metrics["test"]
    kind = f"a network with one hidden layer of {training['hidden']}" if training["hidden"] else "logistic regression"
    faces = training["faces"]
    lines = [
        "# Expression: second stage",
        "",
        f"{kind[0].upper() + kind[1:]} from the 18 Action Unit probabilities to eight labels of facial expression.",
        f"Learned from: {manifest.origin}. Licence of the weights: {manifest.licence}.",
        "",
        "It names what a face shows, not what a person feels. A label under the confidence of "
        f"{weights.threshold:.2f} is not said: the face is then unclear.",
        "",
        f"Faces: {faces['train']} to learn, {faces['valid']} for temperature ({weights.temperature:.2f}) and "
        f"threshold, {faces['test']} only measured; no group in two of them. Rare labels weighted: "
        f"{training['weighting']}.",
        "",
        "| measured on | faces | accuracy | macro F1 | answered | right of these | log loss | calibration error |",
        "|---|---|---|---|---|---|---|---|",
        *(_figures(name.replace("_", " "), measured) for name, measured in metrics.items()),
        "",
        "Accuracy and F1 answer every face; truth is the voters' majority, the first of equals. The figures of valid",
        "are slightly too good, because temperature and threshold were chosen there. By FER+'s own rule a single vote",
        "counts as none and a label needs more than half of the rest; other faces are left out, so figures are better.",
        "",
        "## How sure it must be",
        f"The threshold is the least confidence from which {training['precision']:.2f} of what is said on valid is",
        "right.",
        "",
        "| answered, surest first | " + " | ".join(f"{share:.0%}" for share, _, _ in test.curve) + " |",
        "|---" * (len(test.curve) + 1) + "|",
        *(_curve(name, metrics[name]) for name in ("valid", "test")),
        "",
        f"![Share that is right against share that is answered; the table has the numbers.]({COVERAGE})",
        "",
        "## Confusion on test",
        "Row: the voters' majority. Column: the most probable label.",
        "",
        "| | " + " | ".join(EXPRESSIONS) + " |",
        "|---" * (len(EXPRESSIONS) + 1) + "|",
        *(
            f"| {label} | " + " | ".join(str(count) for count in row) + " |"
            for label, row in zip(EXPRESSIONS, test.confusion, strict=True)
        ),
    ]
    if missing := training["units_without_values"]:
        lines += ["", f"Not used, because the first stage does not know them well enough: {', '.join(missing)}."]
    if not weights.hidden_weights:
        lines += ["", "## What speaks for each label", "", *_strongest(weights)]
    return "\n".join(lines) + "\n"


def _figures(name: str, measured: Measured) -> str:
    precision = "-" if measured.precision is None else f"{measured.precision:.3f}"
    return (
        f"| {name} | {measured.faces} | {measured.accuracy:.3f} | {measured.macro_f1:.3f} | {measured.answered:.3f} "
        f"| {precision} | {measured.log_loss:.3f} | {measured.calibration_error:.3f} |"
    )


def _curve(name: str, measured: Measured) -> str:
    points = (f"{precision:.3f} (from {confidence:.2f})" for _, confidence, precision in measured.curve)
    return f"| right on {name} | " + " | ".join(points) + " |"


def _strongest(weights: Weights) -> list[str]:
    """List, for each label, the units with the largest weights above the mean of the labels."""
    table = np.array(weights.weights)
    table -= table.mean(axis=0)
    lines = []
    for label, row in zip(EXPRESSIONS, table, strict=True):
        order = np.argsort(-np.abs(row))[:5]
        lines.append(f"- {label}: " + ", ".join(f"{AU_ORDER[i]} {row[i]:+.2f}" for i in order))
    return lines
