"""Print an evaluation as plain tables that a terminal and a screen reader follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training import metrics


def words(evaluation: Mapping[str, Any]) -> str:
    """Return the evaluation as plain tables."""
    lines = [f"{evaluation['model']}, {evaluation['split']} split, 8-bit model"]
    for name, table in evaluation["tables"].items():
        lines += ["", f"{name}: {table['faces']} faces of {table['people']} people"]
        lines.append("unit  positives     F1 [95 %]              AUC [95 %]               AP    ECE  Brier  threshold")
        lines += [_line(unit, row) for unit, row in table["units"].items()]
        mean, ends = table["mean"], table["mean_interval"]
        lines.append(
            f"mean of {len(table['pooled'])} units with {metrics.LEAST_POSITIVES} positives: F1 {_number(mean['f1'])} "
            f"{_ends(ends['f1'])}, AUC {_number(mean['auc'])} {_ends(ends['auc'])}"
        )
        by_person = f"F1 {_number(mean['f1_by_person'])}, AUC {_number(mean['auc_by_person'])}"
        lines.append(f"the same, each person weighing alike however many pictures there are: {by_person}")
    for name, row in evaluation["papers"].items():
        lines += ["", f"{name}, F1 x 100 as in papers, one split, not their three folds"]
        lines.append("  ".join(f"{unit} {_percent(value)}" for unit, value in row.items()))
    second = evaluation["annotators"]
    if second["mean"]:
        lines += ["", f"Second annotator against the first, {second['faces']} faces: F1 {second['mean']['second']:.3f}"]
        lines.append(f"This model against the first, the same faces: F1 {second['mean']['model']:.3f}")
    for name, table in evaluation["slices"].items():
        lines += ["", f"Slices of {name}: faces, units, F1, AUC"]
        lines += [
            f"{kind:<24} {row['faces']:5d}  {row['units']:2d}  {_number(row['f1'])}  {_number(row['auc'])}"
            for kind, row in table.items()
        ]
    lines += ["", _leak_words(evaluation["splits"])]
    return "\n".join(lines)


def _leak_words(splits: Mapping[str, Any] | None) -> str:
    if splits is None or splits["random"]["mean"] is None:
        return "Random against person-disjoint split: not measured (give --run, and enough faces)"
    return (
        f"The same head on the same features of {splits['faces']} faces, "
        f"{splits['repeated']} of them of people with several:\n"
        f"random split AUC {splits['random']['mean']:.4f}, person-disjoint split AUC {splits['disjoint']['mean']:.4f}"
    )


def _line(unit: str, row: Mapping[str, Any]) -> str:
    return (
        f"{unit}  {row['support']:9d}  {_number(row['f1'])} {_ends(row['f1_interval']):<16} "
        f"{_number(row['auc'])} {_ends(row['auc_interval']):<16} {_number(row['average_precision'])}  "
        f"{_number(row['calibration_error'])}  {_number(row['brier'])}  {row['threshold']:.2f}"
    )


def _number(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _ends(ends: tuple[float, float] | None) -> str:
    return "[-]" if ends is None else f"[{ends[0]:.3f}, {ends[1]:.3f}]"
