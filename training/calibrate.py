"""Make the logits of a run honest probabilities, choose thresholds, and say which units the model knows.

Judged on the valid split alone, whose people the network never saw. Per unit, p = sigmoid(a * logit + b) (Platt, 1999),
where a Gaussian prior holds log a and b near 0: a unit with few cases keeps nearly its own logits.

Annotators differ in how readily they give a unit. Where several lists annotated the valid split, the first is what a
probability means: each other list has a further shift per unit, learned beside a and b and left out of the result
(an annotator's severity in the sense of Rasch's model: Linacre, Many-Facet Rasch Measurement, 1989). The first list may
have coded few of the valid faces; those of train that it coded are learned from too, if that tells better what it says
of held-out people (docs/adr/0019).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.facs import AU_ORDER
from training import metrics
from training.faces import Faces
from training.runs import Run, unit_logits

SLOPE_DEVIATION: Final = 0.3  # prior of log a: networks trained on cross-entropy are seldom off by more than a third
SHIFT_DEVIATION: Final = 1.0  # prior of b, in logits: a threefold odds error is plausible, a tenfold one is not
CODER_DEVIATION: Final = 0.5  # prior of a further list's shift, in logits: half as far as the network's own
TURNS: Final = 10  # in which held-out people are told from the others, to judge what the faces of train are worth
LEAST_HELD_OUT: Final = 5  # positives among held-out people below which no quality can be stated
LEAST_AUC: Final = 0.7  # lower end of the interval
_GRID: Final = np.arange(0.0, 0.951, 0.01)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold what was learned of one unit.

    Attributes:
        a: slope of the logit, positive.
        b: shift of the logit.
        threshold: calibrated probability from which the unit counts as present.
        known: whether the runtime may speak of the unit.
        reason: why not; empty where it may.
    """

    a: float = 1.0
    b: float = 0.0
    threshold: float = 0.5
    known: bool = False
    reason: str = ""


def platt(
    logits: npt.NDArray[Any], labels: metrics.Labels, lists: npt.NDArray[Any] | None = None
) -> tuple[float, float, npt.NDArray[np.float64]]:
    """Fit slope and shifts by Newton's method with a step control; the most probable ones under the priors.

    Args:
        logits: (N,).
        labels: (N,); missing ones are left out.
        lists: (N,) number of the list that each label is from; None where all are from one.

    Returns:
        a > 0, b, and (N,) the further shift of each label's list, 0 for the lowest number that has labels.
    """
    known = labels != metrics.MISSING
    others = np.unique(lists[known])[1:] if lists is not None else np.empty(0)
    is_of = np.array([lists == other for other in others], np.float64).reshape(len(others), len(logits))
    x, y, of = logits[known].astype(np.float64), labels[known].astype(np.float64), is_of[:, known]
    prior = np.array([SLOPE_DEVIATION, SHIFT_DEVIATION] + [CODER_DEVIATION] * len(others)) ** -2.0
    at = np.zeros(len(prior))  # log a, b, shift of each further list
    loss = _loss(at, x, y, of, prior)
    damping = 1e-3
    for _ in range(100):
        slope = np.exp(at[0])
        p = _sigmoid(slope * x + at[1] + at[2:] @ of)
        toward = np.vstack([slope * x, np.ones_like(x), of])
        gradient = toward @ (p - y) + at * prior
        curvature = (toward * (p * (1 - p))) @ toward.T + np.diag(prior + damping)
        new = at - np.linalg.solve(curvature, gradient)
        new_loss = _loss(new, x, y, of, prior)
        if new_loss > loss:
            damping = damping * 10
            if damping > 1e9:
                break
            continue
        moved, at, loss, damping = np.abs(new - at).max(), new, new_loss, max(damping / 10, 1e-9)
        if moved < 1e-8:
            break
    return float(np.exp(at[0])), float(at[1]), at[2:] @ is_of


def threshold(probability: npt.NDArray[Any], labels: metrics.Labels) -> float:
    """Choose the calibrated probability from which a unit counts as present, so that F1 is greatest.

    That is half of the greatest F1 there is (Lipton, Elkan & Naryanaswamy, 2014), and that is measured here. The place
    where F1 itself was greatest hangs on a few faces, and serves other people no better. Where several lists coded the
    faces, each face's probability is that of its own list, and the threshold serves all of them.
    """
    if not (labels == 1).any():
        return 0.5
    return 0.5 * max(float(metrics.f1(labels, probability >= place)) for place in _GRID)


def calibrate_unit(
    logits: npt.NDArray[Any],
    labels: metrics.Labels,
    people: npt.NDArray[Any],
    support: int,
    lists: npt.NDArray[Any] | None = None,
    held_out: npt.NDArray[np.bool_] | None = None,
) -> Calibration:
    """Calibrate one unit and judge it.

    Args:
        logits: (N,) of held-out faces, and of others that help to calibrate.
        labels: (N,) of the same.
        people: (N,) key of the person.
        support: positives among all faces it was trained and calibrated on.
        lists: as in `platt`.
        held_out: (N,) which faces are held out; they alone set the threshold and judge. None where all are.
    """
    judges = slice(None) if held_out is None else held_out
    judged = labels[judges]
    positives = int((judged == 1).sum())
    if support < metrics.LEAST_POSITIVES:
        return Calibration(reason=f"{support} faces show it, fewer than {metrics.LEAST_POSITIVES}")
    if not (judged == 0).any():
        return Calibration(reason="no held-out face was judged not to show it")
    if positives < LEAST_HELD_OUT:
        return Calibration(reason=f"{positives} held-out faces show it, fewer than {LEAST_HELD_OUT}")
    a, b, shifts = platt(logits, labels, lists)
    probability = _sigmoid(a * logits.astype(np.float64) + b + shifts)  # that the list which judged the face gives it
    place = threshold(probability[judges], judged)
    ends = metrics.interval(metrics.roc_auc(judged, logits[judges], metrics.people_weights(people[judges])))
    if ends is None or ends[0] < LEAST_AUC:
        return Calibration(a, b, place, False, f"its AUC may be as low as {ends[0] if ends else 0.0:.2f}")
    return Calibration(a, b, place, True)


def teaching(faces: Faces) -> npt.NDArray[np.bool_]:
    """Return the mask of annotated faces to calibrate on: of valid, and of train those that its first list coded.

    The latter where several lists annotated the valid split, so that the first has a share of it alone.
    """
    held_out, lists = faces.annotated("valid"), faces.columns.get("coder")
    if lists is None or len(np.unique(lists[held_out])) < 2:
        return held_out
    return held_out | (faces.annotated("train") & _of_first_list(faces))


def serves(logits: npt.NDArray[Any], faces: Faces) -> bool:
    """Tell whether the faces of train make what is promised of held-out people better, be it by little.

    Held-out people are told by turns from all others among them, with the faces of train and without. What the first
    list said of them has a log loss, and the mean over units decides; units that it hardly ever gave have no say.

    Args:
        logits: (N, 18).
        faces: the N faces, as `teaching` picks them.
    """
    labels, lists = metrics.occurrence(faces.columns["au"]), faces.columns["coder"]
    held_out = faces.annotated("valid")
    first = held_out & _of_first_list(faces)
    keys, person = np.unique(faces.columns["group"], return_inverse=True)
    turn = np.random.default_rng(0).permutation(len(keys))[person] % TURNS
    gains = []
    for x, y in zip(logits.T, labels.T, strict=True):
        if (y[first] == 1).sum() < LEAST_HELD_OUT:
            continue
        losses = np.zeros(2)
        for now in range(TURNS):
            judges, others = first & (turn == now) & (y != metrics.MISSING), held_out & (turn != now)
            fits = (platt(x[on], y[on], lists[on]) for on in (others, others | ~held_out))
            losses += [_log_loss(a * x[judges] + b, y[judges]) for a, b, _ in fits]
        gains.append((losses[0] - losses[1]) / (first & (y != metrics.MISSING)).sum())
    return bool(gains) and float(np.mean(gains)) > 0


def calibrate(logits: npt.NDArray[Any], faces: Faces, support: npt.NDArray[Any]) -> dict[str, Calibration]:
    """Calibrate all units.

    Args:
        logits: (N, 18).
        faces: the N faces; those of the valid split alone set thresholds and judge.
        support: (18,) positives of each unit among all faces it was trained and calibrated on.
    """
    labels, columns = metrics.occurrence(faces.columns["au"]), faces.columns
    held_out = faces.annotated("valid")
    return {
        unit: calibrate_unit(
            logits[:, place], labels[:, place], columns["group"], int(support[place]), columns.get("coder"), held_out
        )
        for place, unit in enumerate(AU_ORDER)
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", type=Path, help="folder of a finished training run")
    parser.add_argument("--data", type=Path, required=True, help="folder written by 'prepare'")
    parser.add_argument(
        "--mirrored",
        action="store_true",
        help="ask about each face's mirror image too, here and on the device: a little better, in twice the time",
    )


def run(args: argparse.Namespace) -> int:
    """Calibrate a run for the people of its valid split and write the result into its run.json."""
    trained = Run.load(args.run)
    trained = replace(trained, settings={**trained.settings, "mirrored": args.mirrored})
    faces = Faces.checked(args.data, trained.settings)
    labels = metrics.occurrence(faces.columns["au"][faces.annotated("train", "valid")])
    faces = faces.where(teaching(faces))
    logits, held_out = unit_logits(trained, faces.crops), faces.annotated("valid")
    if not held_out.all() and not serves(logits, faces):
        logits, faces = logits[held_out], faces.where(held_out)
    found = calibrate(logits, faces, (labels == 1).sum(0))
    for unit, column in zip(AU_ORDER, trained.columns, strict=True):
        if column is None:
            found[unit] = Calibration(reason="the network has no output for it")
    used = {split: int((faces.columns["split"] == split).sum()) for split in ("train", "valid")}
    trained.write(
        calibrated_on=used,
        calibration={unit: {"a": c.a, "b": c.b} for unit, c in found.items()},
        thresholds={unit: c.threshold for unit, c in found.items()},
        known={unit: c.known for unit, c in found.items()},
        unknown_because={unit: c.reason for unit, c in found.items() if not c.known},
    )
    print(f"Calibrated on {used['valid']} faces of valid and {used['train']} of train.")
    for unit, c in found.items():
        verdict = "" if c.known else f"unknown: {c.reason}"
        print(f"{unit}  a {c.a:.2f}  b {c.b:+.2f}  threshold {c.threshold:.2f}  {verdict}".rstrip())
    return 0


def _sigmoid(x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float64)


def _of_first_list(faces: Faces) -> npt.NDArray[np.bool_]:
    """Return the mask of the faces that the first list of the valid split coded."""
    lists = faces.columns["coder"]
    return np.asarray(lists == lists[faces.annotated("valid")].min(), np.bool_)


def _log_loss(z: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    """Return the summed log loss of yes (1) and no (0) where log-odds z were promised."""
    return float((np.logaddexp(0.0, z) - y * z).sum())


def _loss(
    at: npt.NDArray[Any], x: npt.NDArray[Any], y: npt.NDArray[Any], of: npt.NDArray[Any], prior: npt.NDArray[Any]
) -> float:
    """Return the negative log posterior at (log a, b, shift of each further list)."""
    z = np.exp(at[0]) * x + at[1] + at[2:] @ of
    return _log_loss(z, y) + 0.5 * float((at**2 * prior).sum())
