"""Measure occurrence predictions: F1, ROC AUC, average precision, calibration, with intervals over people.

Labels are 1 (present), 0 (absent) or `MISSING`; a missing label takes part in nothing. Every measure takes weights,
so that one bootstrap replicate is one row of weights; leading axes of the weights give a leading axis of results.

Figures are NaN where they are not defined (a unit without positives has no AUC); `UnitScore` turns that into None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER

MISSING: Final = -1
LEAST_COMPARED: Final = 8  # cases that one annotator must give for another's agreement to say anything
LEAST_POSITIVES: Final = 20  # below this a unit's figure says little, so it stays out of the mean
REPLICATES: Final = 1000  # bootstrap; the interval's ends then move by about a tenth of its width between seeds

Labels = npt.NDArray[np.int8]
Array = npt.NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class UnitScore:
    """Hold how well one Action Unit was predicted.

    Attributes:
        support: positives.
        negatives: faces judged not to show it.
        people: distinct people among both.
        threshold: probability from which the unit was counted as present.
        f1: at `threshold`; None without positives.
        auc: area under the ROC curve; None without positives or without negatives.
        average_precision: area under the precision-recall curve, as scikit-learn defines it.
        calibration_error: expected calibration error over ten bins of equal mass.
        brier: mean squared error of the probability.
        f1_by_person: at `threshold`, each person weighing alike however many pictures there are; None as for `f1`.
        auc_by_person: likewise; None as for `auc`.
        f1_interval: 95 % bootstrap interval over people.
        auc_interval: 95 % bootstrap interval over people.
    """

    support: int
    negatives: int
    people: int
    threshold: float
    f1: float | None = None
    auc: float | None = None
    average_precision: float | None = None
    calibration_error: float | None = None
    brier: float | None = None
    f1_by_person: float | None = None
    auc_by_person: float | None = None
    f1_interval: Interval | None = None
    auc_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Hold the scores of all units and their means over the units with at least `LEAST_POSITIVES` positives.

    Attributes:
        units: by code, in the order of the arrays.
        pooled: codes of the units in the means.
        mean: `f1`, `auc`, `average_precision`, `calibration_error`, `brier`, `f1_by_person` and `auc_by_person`; None
            where no unit qualifies.
        mean_interval: 95 % bootstrap intervals of the mean `f1` and `auc`; all units share a replicate's people.
        faces: rows with at least one label.
        people: distinct people among them.
    """

    units: Mapping[str, UnitScore]
    pooled: tuple[str, ...]
    mean: Mapping[str, float | None]
    mean_interval: Mapping[str, Interval | None]
    faces: int
    people: int

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        return asdict(self)


def occurrence(intensity: npt.NDArray[np.int8], least: int = 1) -> Labels:
    """Turn annotated intensities into labels.

    Args:
        intensity: any shape; -2 not annotated, -1 unsure, 0 absent, 1 and more present.
        least: intensity from which a unit counts as present.
    """
    return np.where(intensity < 0, MISSING, intensity >= least).astype(np.int8)


def both_sure(first: Labels, second: Labels) -> Labels:
    """Return the first annotator's labels, `MISSING` where the second was not sure; any shape."""
    return np.where(second == MISSING, MISSING, first).astype(np.int8)


def agreement(first: Labels, second: Labels) -> dict[str, tuple[int, float]]:
    """Return, of units that the first annotator gave `LEAST_COMPARED` times, how often, and the F1 of the second.

    Args:
        first: (N, 18), the truth; only where both were sure counts.
        second: (N, 18).
    """
    truth = both_sure(first, second)
    cases = (truth == 1).sum(0)
    return {
        unit: (int(cases[place]), float(f1(truth[:, place], second[:, place] == 1)))
        for place, unit in enumerate(AU_ORDER)
        if cases[place] >= LEAST_COMPARED
    }


def roc_auc(labels: Labels, scores: npt.ArrayLike, weights: Array | None = None) -> Any:
    """Compute the area under the ROC curve; a tie counts half (Mann-Whitney).

    Args:
        labels: (N,).
        scores: (N,), higher means present.
        weights: (..., N); None weighs all alike.

    Returns:
        float, or an array of the weights' leading shape.
    """
    positive, negative = _histograms(labels, scores, weights)
    below = np.cumsum(negative, axis=-1) - negative
    area = (positive * (below + 0.5 * negative)).sum(-1)
    return _plain(_ratio(area, positive.sum(-1) * negative.sum(-1)))


def average_precision(labels: Labels, scores: npt.ArrayLike, weights: Array | None = None) -> Any:
    """Compute the mean precision over the steps of recall, without interpolation; arguments as in `roc_auc`."""
    positive, negative = _histograms(labels, scores, weights)
    found = np.cumsum(positive[..., ::-1], axis=-1)
    called = found + np.cumsum(negative[..., ::-1], axis=-1)
    gained = (positive[..., ::-1] * _ratio(found, called, 0.0)).sum(-1)
    return _plain(_ratio(gained, positive.sum(-1)))


def precision_recall(labels: Labels, scores: npt.ArrayLike) -> tuple[Array, Array]:
    """Return precision and recall at every distinct score, the highest first."""
    positive, negative = _histograms(labels, scores, None)
    found = np.cumsum(positive[::-1])
    return _ratio(found, found + np.cumsum(negative[::-1]), 1.0), _ratio(found, found[-1])


def f1(labels: Labels, predicted: npt.ArrayLike, weights: Array | None = None) -> Any:
    """Compute the F1 score of yes-or-no predictions; NaN where there is no positive.

    Args:
        labels: (N,).
        predicted: (N,) booleans.
        weights: (..., N).
    """
    said = np.asarray(predicted, bool)
    known = _weights(labels, weights)
    hits = known[..., said & (labels == 1)].sum(-1)
    truth, called = known[..., labels == 1].sum(-1), known[..., said & (labels != MISSING)].sum(-1)
    return _plain(np.where(truth > 0, _ratio(2.0 * hits, truth + called), np.nan))


def brier(labels: Labels, probability: npt.ArrayLike) -> float:
    """Compute the mean squared error of a probability (Brier, 1950)."""
    known = labels != MISSING
    error = np.asarray(probability, np.float64)[known] - labels[known]
    return float((error**2).mean()) if known.any() else float("nan")


def calibration_bins(labels: Labels, probability: npt.ArrayLike, bins: int = 10) -> tuple[Array, Array, Array]:
    """Sort into bins of equal mass, and compare what was said with what was so.

    Bins of equal mass, because most faces show few units: bins of equal width would leave most of them empty.

    Returns:
        Three arrays of at most `bins`: mean probability, share of positives, number of faces.
    """
    known = labels != MISSING
    p = np.asarray(probability, np.float64)[known]
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    truth = labels[known]
    return (
        np.array([p[part].mean() for part in parts]),
        np.array([truth[part].mean() for part in parts]),
        np.array([len(part) for part in parts], np.float64),
    )


def expected_calibration_error(labels: Labels, probability: npt.ArrayLike, bins: int = 10) -> float:
    """Compute the mean distance between probability and share of positives over `calibration_bins`."""
    said, so, count = calibration_bins(labels, probability, bins)
    return float((np.abs(said - so) * count).sum() / count.sum()) if count.sum() else float("nan")


def people_weights(people: npt.ArrayLike, replicates: int = REPLICATES, seed: int = 0) -> Array:
    """Draw bootstrap replicates: people, not pictures, are drawn with replacement.

    Args:
        people: (N,) any comparable key of the person in each row.
        replicates: how many.
        seed: of the draw.

    Returns:
        (replicates, N): how often each row's person was drawn.
    """
    keys, member = np.unique(np.asarray(people), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(keys), np.full(len(keys), 1.0 / len(keys)), replicates)
    return drawn[:, member].astype(np.float64)


def interval(replicates: npt.ArrayLike) -> Interval | None:
    """Return the 2.5 and 97.5 percentiles of those replicates that are defined; None where most are not."""
    values = np.asarray(replicates, np.float64)
    defined = values[~np.isnan(values)]
    if len(defined) < 0.5 * max(len(values), 1):
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def score_units(
    labels: Labels,
    probability: npt.NDArray[Any],
    thresholds: Sequence[float],
    people: npt.ArrayLike,
    replicates: int = REPLICATES,
    seed: int = 0,
    units: Sequence[str] = AU_ORDER,
) -> Scores:
    """Score every unit.

    Args:
        labels: (N, U).
        probability: (N, U).
        thresholds: (U,), chosen on other people.
        people: (N,) key of the person.
        replicates: of the bootstrap; 0 leaves the intervals out.
        seed: of the bootstrap.
        units: names of the U columns.
    """
    keys = np.asarray(people)
    rows = (labels != MISSING).any(1)
    labels, probability, keys = labels[rows], probability[rows], keys[rows]
    drawn = people_weights(keys, replicates, seed) if replicates and len(keys) else None
    table, spread = {}, {}
    for column, unit in enumerate(units):
        table[unit], spread[unit] = _score(labels[:, column], probability[:, column], thresholds[column], keys, drawn)
    pooled = tuple(u for u, s in table.items() if s.support >= LEAST_POSITIVES and s.negatives >= LEAST_POSITIVES)
    names = ("f1", "auc", "average_precision", "calibration_error", "brier", "f1_by_person", "auc_by_person")
    mean = {name: _mean([getattr(table[unit], name) for unit in pooled]) for name in names}
    ends: dict[str, Interval | None] = {"f1": None, "auc": None}
    if pooled and drawn is not None:
        for name in ends:
            ends[name] = interval(np.mean([spread[unit][name] for unit in pooled], axis=0))
    return Scores(table, pooled, mean, ends, len(keys), len(np.unique(keys)))


def _score(
    labels: Labels, probability: npt.NDArray[Any], threshold: float, people: npt.NDArray[Any], drawn: Array | None
) -> tuple[UnitScore, dict[str, Array]]:
    """Score one unit; the second result holds the replicates of `f1` and `auc`."""
    known = labels != MISSING
    y, p = labels[known], probability[known]
    said = p >= threshold
    _, member, pictures = np.unique(people[known], return_inverse=True, return_counts=True)
    alike = 1.0 / pictures[member]
    spread: dict[str, Array] = {}
    if drawn is not None:
        weights = drawn[:, known]
        spread = {"f1": np.asarray(f1(y, said, weights)), "auc": np.asarray(roc_auc(y, p, weights))}
    return (
        UnitScore(
            support=int((y == 1).sum()),
            negatives=int((y == 0).sum()),
            people=len(pictures),
            threshold=float(threshold),
            f1=_defined(f1(y, said)),
            auc=_defined(roc_auc(y, p)),
            average_precision=_defined(average_precision(y, p)),
            calibration_error=_defined(expected_calibration_error(y, p)),
            brier=_defined(brier(y, p)),
            f1_by_person=_defined(f1(y, said, alike)),
            auc_by_person=_defined(roc_auc(y, p, alike)),
            f1_interval=interval(spread["f1"]) if spread else None,
            auc_interval=interval(spread["auc"]) if spread else None,
        ),
        spread,
    )


def _histograms(labels: Labels, scores: npt.ArrayLike, weights: Array | None) -> tuple[Array, Array]:
    """Return (..., V): the weight of positives and of negatives at each distinct score, ascending."""
    known = labels != MISSING
    values = np.asarray(scores, np.float64)[known]
    heavy = _weights(labels, weights)[..., known]
    if not len(values):
        return np.zeros((*heavy.shape[:-1], 1)), np.zeros((*heavy.shape[:-1], 1))
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0])
    truth = labels[known][order]
    positive = np.add.reduceat(heavy[..., order] * (truth == 1), starts, axis=-1)
    negative = np.add.reduceat(heavy[..., order] * (truth == 0), starts, axis=-1)
    return positive, negative


def _weights(labels: Labels, weights: Array | None) -> Array:
    return np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)


def _ratio(over: Any, under: Any, empty: float = float("nan")) -> Array:
    """Divide; `empty` where the divisor is 0."""
    quotient = np.full(np.broadcast_shapes(np.shape(over), np.shape(under)), empty)
    np.divide(over, under, out=quotient, where=np.asarray(under) > 0)
    return quotient


def _plain(value: Array) -> Any:
    return float(value) if np.ndim(value) == 0 else value


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
