"""Draw how a training run went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.errors import OutputError


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
    try:
        figure.savefig(path, dpi=100)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}.", "Free some space and run it again.") from error
