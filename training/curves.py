"""Draw how a training run went, and how sure a second stage must be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.errors import DependencyError, OutputError
from training.expression_card import Measured


def draw_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Write a PNG of training loss and validation AUC over the steps; without matplotlib, say how to get it.

    Args:
        history: rows with "stage", "step", "loss" and, now and then, "valid_auc".
        path: of the picture.

    Raises:
        OutputError: the picture cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No curves were drawn: matplotlib is not installed. Run: pip install 'facecue[train]'", flush=True)
        return
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for stage in dict.fromkeys(row["stage"] for row in history):
        rows = [row for row in history if row["stage"] == stage]
        left.plot([row["step"] for row in rows], [row["loss"] for row in rows], label=stage)
        scored = [row for row in rows if "valid_auc" in row]
        right.plot([row["step"] for row in scored], [row["valid_auc"] for row in scored], "o-", label=stage)
    for axes, title, place in (
        (left, "Training loss", "upper right"),
        (right, "Mean ROC AUC, valid split", "lower right"),
    ):
        axes.set(title=title, xlabel="step")
        axes.legend(loc=place)
    _save(figure, path)


def draw_coverage(metrics: Mapping[str, Measured], wanted: float, path: Path) -> None:
    """Write a PNG of how often an expression is right if only the surest faces are answered.

    Args:
        metrics: by the name of what was measured on; a dot marks each one's threshold.
        wanted: share that should be right.
        path: of the picture.

    Raises:
        DependencyError: matplotlib is not installed.
        OutputError: the picture cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DependencyError("matplotlib is not installed.", "Run: pip install 'facecue[train]'") from None
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, measured), dashes in zip(metrics.items(), ("--", "-", ":"), strict=False):
        coverage, _, precision = zip(*measured.curve, strict=True)
        (line,) = axes.plot(coverage, precision, dashes, label=name.replace("_", " "))
        if measured.precision is not None:
            axes.plot(measured.answered, measured.precision, "o", color=line.get_color())
    axes.axhline(wanted, color="grey", linewidth=0.8)
    axes.set(xlabel="share of the faces answered, surest first", ylabel="right of these", ylim=(0.75, 1.005))
    axes.legend(loc="lower left", title="measured on; dots: at the threshold")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=100, metadata={"Software": None})
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}.", "Free some space and run it again.") from error
