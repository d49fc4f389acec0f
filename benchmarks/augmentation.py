"""Measure networks on test faces as they are, and as a head camera shows them: one kind of change at a time.

    python benchmarks/augmentation.py RUN [RUN ...] --data CACHE [--save FILE]

Runs differ in how their training pictures were changed (`python -m training train --augment`). Every picture of the
test split is changed by a random amount, the same for each run. Figures are mean AUCs over the units with 20 positives.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training import metrics
from training.augment import NONE, Augmentation, augment
from training.distribute import choose_device
from training.faces import Faces
from training.runs import Run, as_numpy, network, of_units

SEED: Final = 1
CHANGES: Final = {
    "as they are": NONE,
    "turned, moved": replace(NONE, rotate_deg=12.0, zoom=0.1, shift=0.05),
    "light": replace(NONE, light=1.0),
    "blurred": replace(NONE, blur=1.0),
    "24 to 60 pixels": replace(NONE, shrink=1.0),
    "noisy": replace(NONE, noise=1.0),
    "partly hidden": replace(NONE, hide=1.0),
    "JPEG 20 to 70": replace(NONE, compress=1.0),
}


def main() -> int:
    """Measure every run and print a plain table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--save", type=Path, help="write the table as JSON")
    options = parser.parse_args()
    print(choose_device(0, "auto", 64).reason)
    faces = Faces.load(options.data)
    test = faces.where(faces.annotated("test"))
    report = {path.name: measure(Run.load(path), test) for path in options.runs}
    if any(auc is None for row in report.values() for auc in row.values()):
        print(f"{options.data} has no unit with {metrics.LEAST_POSITIVES} cases in its test split.", file=sys.stderr)
        return 1
    print(f"{len(test)} faces of the test split, mean AUC")
    for what in CHANGES:
        print(f"{what}: " + ", ".join(f"{name} {row[what]:.4f}" for name, row in report.items()))
    if options.save:
        options.save.write_text(json.dumps({"faces": len(test), "auc": report}, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(run: Run, test: Faces) -> dict[str, float | None]:
    """Return the mean AUC of a run by what was done to the faces."""
    model = network(run)
    return {what: mean_auc(run, model, test, shown(run, test, how)) for what, how in CHANGES.items()}


def shown(run: Run, test: Faces, how: Augmentation) -> npt.NDArray[np.float32]:
    """Return the faces as a network sees them, (N, S, S, channels), each changed by an amount of its own."""
    rng = np.random.default_rng(SEED)
    pictures = np.stack([augment(crop, run.size_px, how, rng) for crop in test.crops])
    return np.repeat(pictures[..., None], run.recipe.CHANNELS, -1)


def mean_auc(run: Run, model: Any, test: Faces, pictures: npt.NDArray[np.float32]) -> float | None:
    """Return the mean AUC over the units that are annotated often enough."""
    logits = np.concatenate([as_numpy(model.predict_on_batch(part)) for part in np.array_split(pictures, 20)])
    units = of_units(run, logits)
    scored = metrics.score_units(
        metrics.occurrence(test.columns["au"]), units, [0.0] * units.shape[1], test.columns["group"], replicates=0
    )
    return scored.mean["auc"]


if __name__ == "__main__":
    raise SystemExit(main())
