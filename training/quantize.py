"""Make the 8-bit model of a run, and measure what the eight bits cost: `python -m training quantize`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, ModelError
from assistant.facs import AU_ORDER
from assistant.inference.au_model import ask
from assistant.inference.backends.litert import Runner
from assistant.inference.manifest import Output, sha256_of
from assistant.types import Floats, TensorRunner
from training import metrics
from training.convert import FLOAT, INT8, ONNX, OUTPUT
from training.faces import Faces, inputs
from training.partial import writing
from training.runs import Run
from training.splits import check_disjoint

REPRESENTATIVE: Final = 300  # faces; a few hundred is what the converter's own guide advises
PARITY_FILE: Final = "parity.json"
LOWEST, HIGHEST = -2.56, 2.54
"""What `normalise` can give, and an int8 input of scale 1/50 can hold."""
MOST_F1_LOST: Final = 0.005
MOST_MEAN_CHANGE: Final = 0.02


def representative(faces: Faces, size_px: int, channels: int, count: int = REPRESENTATIVE, seed: int = 0) -> Floats:
    """Draw the inputs from which the ranges of the activations are taken: training people, all sources alike.

    Args:
        faces: the whole cache.
        size_px: side of the input.
        channels: of the input.
        count: of faces.
        seed: of the draw.

    Returns:
        (count or fewer, size_px, size_px, channels) float32.

    Raises:
        LeakError: a training person is also in another split.
        ModelError: there is nothing to train on.
    """
    split = faces.columns["split"]
    check_disjoint(faces.columns["names"], faces.columns["group"], split)
    rng, rows = np.random.default_rng(seed), []
    for source in np.unique(faces.source[split == "train"]):
        candidates = np.flatnonzero((split == "train") & (faces.source == source))
        rows.append(rng.permutation(candidates))
    if not rows:
        raise ModelError("The prepared data has no train split.", "Prepare the data again.")
    turns = [row for turn in range(max(map(len, rows))) for row in (part[turn] for part in rows if turn < len(part))]
    values = inputs(faces.crops[np.sort(np.array(turns[:count]))], size_px, channels)
    values[0, 0, 0], values[0, 0, 1] = LOWEST, HIGHEST  # two pixels of one face, so that the input's range is known
    return values


def convert(run: Run, faces: Faces, python: str) -> None:
    """Write the int8, float and ONNX files of a run into its folder with the TensorFlow of another interpreter.

    Args:
        run: a calibrated run.
        faces: the cache it was trained on.
        python: interpreter that has TensorFlow.

    Raises:
        DependencyError: that interpreter has no TensorFlow.
        ModelError: the conversion failed.
    """
    python = str(Path(shutil.which(python) or python).absolute())  # it is started in another folder
    require_tensorflow(python)
    drawn = representative(faces, run.size_px, run.recipe.CHANNELS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with writing(folder):
            np.save(folder / "representative.npy", drawn)
        here = str(Path(__file__).resolve().parent.parent)
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": here}
        done = subprocess.run(
            [python, "-m", "training.convert", str(run.folder.resolve()), "representative.npy", "."],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ModelError(f"The conversion of {run.folder} failed: {last}.", "See docs/training.md, Quantise.")
        with writing(run.folder):
            for name in (INT8, FLOAT, ONNX):
                part = run.folder / f"{name}.part"
                part.write_bytes((folder / name).read_bytes())
                part.replace(run.folder / name)


def require_tensorflow(python: str) -> None:
    """Check that an interpreter has what the conversion needs, without importing it.

    Raises:
        DependencyError: it has not.
    """
    needed = ("tensorflow", "tf2onnx", "cv2")
    question = f"import importlib.util as u, sys; sys.exit(any(u.find_spec(n) is None for n in {needed}))"
    try:
        missing = subprocess.run([python, "-c", question], check=False, capture_output=True).returncode
    except OSError:
        raise DependencyError(f"There is no interpreter {python}.", "Name one with --tensorflow-python.") from None
    if missing:
        raise DependencyError(
            f"{python} has no TensorFlow, no tf2onnx or no OpenCV.",
            "Run: pip install tensorflow tf2onnx opencv-python-headless, or name another interpreter with "
            "--tensorflow-python.",
        )


def probabilities(runner: TensorRunner, values: Floats, output: Output, mirrored: bool = False) -> Floats:
    """Return (N, 18) probabilities of inputs (N, S, S, 1), one face at a time as on the device.

    Args:
        runner: of the model.
        values: its inputs, float32; each channel that it takes gets them.
        output: what its output holds.
        mirrored: whether it is asked about each face's mirror image too.
    """
    rows = [ask(runner, value[None], output, mirrored) for value in values]
    return np.asarray(rows, np.float32).reshape(len(values), runner.outputs[0].shape[-1])


def parity(
    exact: npt.NDArray[Any], rounded: npt.NDArray[Any], labels: metrics.Labels, thresholds: npt.NDArray[Any]
) -> dict[str, Any]:
    """Compare the float network's probabilities with the 8-bit one's.

    Args:
        exact: (N, 18) of the float network.
        rounded: (N, 18) of the 8-bit network.
        labels: (N, 18).
        thresholds: (18,).

    Returns:
        For each unit `mean_change`, `largest_change`, `f1_float`, `f1_int8`, `f1_lost` (None without positives), and
        under "all" the F1 lost on average over the units with `metrics.LEAST_POSITIVES` positives, and the largest
        `mean_change` of any unit.
    """
    table: dict[str, Any] = {}
    change = np.abs(exact.astype(np.float64) - rounded)
    for place, unit in enumerate(AU_ORDER):
        y = labels[:, place]
        before, after = (metrics.f1(y, p[:, place] >= thresholds[place]) for p in (exact, rounded))
        table[unit] = {
            "support": int((y == 1).sum()),
            "mean_change": float(change[:, place].mean()),
            "largest_change": float(change[:, place].max()),
            "f1_float": None if np.isnan(before) else before,
            "f1_int8": None if np.isnan(after) else after,
            "f1_lost": None if np.isnan(before) else before - after,
        }
    lost = [row["f1_lost"] for row in table.values() if row["support"] >= metrics.LEAST_POSITIVES]
    table["all"] = {
        "faces": len(exact),
        "f1_lost": float(np.mean(lost)) if lost else None,
        "mean_change": float(change.mean(0).max()),
    }
    return table


def made_from(run: Run) -> dict[str, Any]:
    """Return what `run.json` keeps of the 8-bit file: its sha256, what it gives, and the calibration folded into it."""
    return {"sha256": sha256_of(run.folder / INT8), "output": OUTPUT, "calibration": run.settings["calibration"]}


def measure(run: Run, faces: Faces) -> dict[str, Any]:
    """Compare both files of a run on the annotated faces of the valid and test splits.

    Raises:
        ModelError: there are none.
    """
    held_out = faces.where(faces.annotated("valid", "test"))
    if not len(held_out):
        raise ModelError("No face of the valid and test splits has Action Units.", "Prepare annotated data.")
    values = inputs(held_out.crops, run.size_px, 1)
    threads = os.cpu_count() or 1
    exact, rounded = (
        probabilities(Runner(run.folder / name, threads), values, OUTPUT, run.mirrored) for name in (FLOAT, INT8)
    )
    thresholds = np.array([run.settings.get("thresholds", {}).get(unit, 0.5) for unit in AU_ORDER])
    return parity(exact, rounded, metrics.occurrence(held_out.columns["au"]), thresholds)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ModelError: the file is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", "Run the command that writes it again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no JSON object.", "Run the command that writes it again.")
    return content


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", type=Path, help="folder of a calibrated training run")
    parser.add_argument("--data", type=Path, required=True, help="folder written by 'prepare'")
    parser.add_argument(
        "--tensorflow-python",
        default=os.environ.get("FACECUE_TENSORFLOW_PYTHON", sys.executable),
        help="interpreter that has TensorFlow; default: $FACECUE_TENSORFLOW_PYTHON, or this one",
    )


def run(args: argparse.Namespace) -> int:
    """Convert, measure, write `parity.json`, and print the table."""
    trained = Run.load(args.run)
    faces = Faces.checked(args.data, trained.settings)
    if "calibration" not in trained.settings:
        raise ModelError(f"{args.run} is not calibrated.", f"Run: python -m training calibrate {args.run} --data ...")
    convert(trained, faces, args.tensorflow_python)
    table = measure(trained, faces)
    with writing(trained.folder):
        (trained.folder / PARITY_FILE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    trained.write(quantised=made_from(trained))
    print(_words(table))
    print(f"{INT8}: {(trained.folder / INT8).stat().st_size:,} bytes")
    return 0


def _words(table: Mapping[str, Any]) -> str:
    lines = ["unit  positives  F1 float  F1 int8  mean change  largest change"]
    for unit in AU_ORDER:
        row = table[unit]
        scores = "     -        -" if row["f1_lost"] is None else f"{row['f1_float']:8.3f}  {row['f1_int8']:7.3f}"
        lines.append(
            f"{unit}  {row['support']:9d}  {scores:>17}  {row['mean_change']:11.4f}  {row['largest_change']:14.4f}"
        )
    whole = table["all"]
    lost = "not measured" if whole["f1_lost"] is None else f"{100 * whole['f1_lost']:+.2f} points"
    lines.append(
        f"F1 lost, mean: {lost} (bar 0.5); largest mean change of a unit: {whole['mean_change']:.4f} (bar 0.02)"
    )
    if (whole["f1_lost"] or 0.0) > MOST_F1_LOST or whole["mean_change"] > MOST_MEAN_CHANGE:
        lines.append("The 8-bit model misses a bar.")
    return "\n".join(lines)
