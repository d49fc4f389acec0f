"""Put a run's weights between those it started from and those it ended with: `python -m training blend`.

A stage that teaches something new takes from what was known before. On the straight line between the weights before
and after it, most of the new is learned already where hardly anything of the old is lost (Wortsman et al., Robust
fine-tuning of zero-shot models, CVPR 2022). It needs no training, only measuring: try a few shares.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from assistant.errors import ModelError, SettingsError
from training.runs import WEIGHTS, Run, network, write_run

_OF_THESE_WEIGHTS: Final = ("calibrated_on", "calibration", "thresholds", "known", "quantised")  # found anew


def blend(start: Path, ended: Run, share: float, out: Path) -> Path:
    """Write a run whose weights, moments of normalisations included, lie between two others', and return its folder.

    Args:
        start: run folder, or a file of weights, that `ended` was trained on from.
        ended: the run after that.
        share: of the way from the first to the second, 0 to 1.
        out: run folder to write; calibrate it next.

    Raises:
        ModelError: weights are missing, or of another network.
        OutputError: the folder cannot be written.
    """
    first = start / WEIGHTS[0] if start.is_dir() else start
    if start.is_dir() and Run.load(start).settings["outputs"] != ended.settings["outputs"]:
        raise ModelError(f"{start} and {ended.folder} have other outputs.", "Name the run that it started from.")
    before, model = network(ended, weights=first).get_weights(), network(ended)
    model.set_weights([old + share * (new - old) for old, new in zip(before, model.get_weights(), strict=True)])
    kept = {key: value for key, value in ended.settings.items() if key not in _OF_THESE_WEIGHTS}
    settings = {**kept, "blend": {"start": start.name, "end": ended.folder.name, "share": share}}
    return write_run(out, model, settings).folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="run after the stage")
    parser.add_argument("--start", type=Path, required=True, help="run, or weights, that it was trained on from")
    parser.add_argument("--share", type=float, required=True, help="0 keeps the start, 1 the run")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")


def run(args: argparse.Namespace) -> int:
    """Write the run and say what to do next."""
    if not 0.0 <= args.share <= 1.0:
        raise SettingsError(f"--share is {args.share:g}.", "Give a number from 0 to 1.")
    blend(args.start, Run.load(args.run_folder), args.share, args.out)
    print(f"Wrote {args.out}. Next: python -m training calibrate {args.out} --data FOLDER")
    return 0
