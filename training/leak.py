"""Show how much a random split flatters: the same features and the same kind of head, only the split differs.

The faces are those of held-out people, so that the trunk knows none of them. In the random split a person's pictures
fall on both sides; in the other they stay together. The head is ridge regression on the trunk's frozen features.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER
from training import metrics
from training.faces import Faces
from training.runs import Run, answers, load_keras, network

SPLITS: Final = 10  # of each kind; one split of a few hundred faces says little
RIDGE: Final = 1.0  # on standardised features, times their number


def features(run: Run, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return (N, D) what the last layer of a trained network sees of cached crops."""
    model = network(run)
    below = load_keras().Model(model.input, model.layers[-1].input)
    return answers(below, crops, run.size_px, run.recipe.CHANNELS).reshape(len(crops), -1)


def compare(values: npt.NDArray[Any], faces: Faces, seed: int = 0) -> dict[str, Any]:
    """Measure heads on random and on person-disjoint halves of the same faces.

    Args:
        values: (N, D) features.
        faces: the N faces.
        seed: of the splits.

    Returns:
        `random` and `disjoint`: mean AUC by unit and over `units`; `splits`; `faces`; `repeated`, the faces whose
        person has another face here, without which the splits could not differ.
    """
    labels = metrics.occurrence(faces.columns["au"])
    _, person = np.unique(faces.columns["group"], return_inverse=True)
    rng = np.random.default_rng(seed)
    scores: dict[str, list[npt.NDArray[np.float64]]] = {"random": [], "disjoint": []}
    for _ in range(SPLITS):
        scores["random"].append(_auc(values, labels, rng.permutation(len(person)) % 2 == 0))
        scores["disjoint"].append(_auc(values, labels, (rng.permutation(person.max() + 1) % 2 == 0)[person]))
    enough = (labels == 1).sum(0) >= 2 * metrics.LEAST_POSITIVES
    areas = {kind: np.array(runs) for kind, runs in scores.items()}
    for each in areas.values():  # a unit that one person shows has no disjoint halves
        enough &= np.isfinite(each).any(0)
    names = [unit for unit, keep in zip(AU_ORDER, enough, strict=True) if keep]
    table: dict[str, Any] = {"units": names, "splits": SPLITS, "faces": len(person)}
    table["repeated"] = int((np.bincount(person)[person] > 1).sum())
    for kind, each in areas.items():
        mean = np.nanmean(each[:, enough], axis=0)
        table[kind] = {
            "mean": float(mean.mean()) if len(mean) else None,
            **dict(zip(names, mean.tolist(), strict=True)),
        }
    return table


def _auc(values: npt.NDArray[Any], labels: metrics.Labels, fit: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Fit a ridge head on one half and return (18,) AUCs on the other; NaN where a half lacks a class."""
    mean, deviation = values[fit].mean(0), values[fit].std(0) + 1e-6
    x = (values - mean) / deviation / np.sqrt(values.shape[1])
    areas = np.full(labels.shape[1], np.nan)
    for unit in range(labels.shape[1]):
        rows = fit & (labels[:, unit] != metrics.MISSING)
        y = labels[rows, unit].astype(np.float64)
        if len(set(y)) < 2:
            continue
        kernel = x[rows] @ x[rows].T + RIDGE * np.eye(len(y))
        scores = x[~fit] @ (x[rows].T @ np.linalg.solve(kernel, y - y.mean()))
        areas[unit] = metrics.roc_auc(labels[~fit, unit], scores)
    return areas
