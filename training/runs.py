"""Open the folder of a finished training run, and build the network that the device gets.

A run's folder holds `run.json` and the weights. Keras is imported on use: any of its back ends will do.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, ModelError, OutputError
from assistant.facs import AU_ORDER
from training import recipes
from training.faces import inputs
from training.fused import without_gradients

RUN_FILE: Final = "run.json"
WEIGHTS: Final = ("model.weights.h5", "weights.h5")
BATCH: Final = 32  # faces a step of prediction; larger gains nothing on a CPU


def load_keras() -> Any:
    """Import Keras on the back end that `KERAS_BACKEND` names, or else on the first that is installed.

    Raises:
        DependencyError: Keras, or every back end of it, is missing.
    """
    installed = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name) is not None]
    if importlib.util.find_spec("keras") is None or not installed:
        raise DependencyError("Keras and a back end of it are not installed.", "Run: pip install 'facecue[train]'")
    os.environ.setdefault("KERAS_BACKEND", installed[0])
    return importlib.import_module("keras")


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what a training run left.

    Attributes:
        folder: of the run.
        settings: `run.json`: "recipe", "outputs" (names of the logits, Action Units first), and more.
    """

    folder: Path
    settings: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `run.json`.

        Raises:
            ModelError: the folder holds no finished run.
        """
        path = folder / RUN_FILE
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
            recipe, outputs = settings["recipe"], settings["outputs"]
        except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise ModelError(f"{path} does not describe a training run: {error!r}.", "Train first.") from error
        recipes.load(recipe)
        if not any(name in AU_ORDER for name in outputs):
            raise ModelError(f"{path}: no output is an Action Unit.", "Train first.")
        return cls(folder, settings)

    @property
    def recipe(self) -> recipes.Recipe:
        """The network's recipe."""
        return recipes.load(self.settings["recipe"])

    @property
    def size_px(self) -> int:
        """Side of the input."""
        return int(self.settings.get("size_px", self.recipe.SIZE_PX))

    @property
    def mirrored(self) -> bool:
        """Whether the network is asked about each face's mirror image too, and the mean of both logits counts."""
        return bool(self.settings.get("mirrored", False))

    @property
    def columns(self) -> tuple[int | None, ...]:
        """Logit of each unit of `AU_ORDER`; None for a unit without one."""
        names = list(self.settings["outputs"])
        return tuple(names.index(unit) if unit in names else None for unit in AU_ORDER)

    def write(self, **changes: Any) -> Self:
        """Replace keys of `run.json` in one step and return the new run.

        Raises:
            OutputError: the folder cannot be written.
        """
        settings = {**self.settings, **changes}
        temporary = self.folder / (RUN_FILE + ".part")
        try:
            temporary.write_text(json.dumps(settings, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            temporary.replace(self.folder / RUN_FILE)
        except OSError as error:
            raise OutputError(f"{self.folder / RUN_FILE} cannot be written: {error}.", "Free some space.") from error
        return replace(self, settings=settings)


def write_run(folder: Path, model: Any, settings: Mapping[str, Any]) -> Run:
    """Write a finished run: its weights, then `run.json`. One that was there goes when the new weights are on the disk.

    Args:
        folder: made where missing.
        model: Keras model of logits.
        settings: of `run.json`.

    Raises:
        OutputError: the folder cannot be written.
    """
    part = folder / f"part.{WEIGHTS[0]}"  # Keras insists on how the name ends
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.save_weights(str(part))
        replace_weights(folder, part)
    except (OSError, RuntimeError) as error:  # h5py raises either
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{folder} cannot be written: {error}.", "Free some space, or choose another --out."
        ) from error
    return Run(folder, {}).write(**settings)


def replace_weights(folder: Path, part: Path) -> None:
    """Put new weights in place; without a `run.json`, so that nobody takes them for those that the old one describes.

    Raises:
        OSError: the folder cannot be written.
    """
    (folder / RUN_FILE).unlink(missing_ok=True)
    part.replace(folder / WEIGHTS[0])


def network(run: Run, batch_size: int | None = None, weights: Path | None = None) -> Any:
    """Return the trained Keras model of logits, with the weights in it.

    Args:
        run: whose network it is.
        batch_size: 1 for export, None for training.
        weights: file of other weights of the same network; None takes the run's.

    Raises:
        ModelError: the weights are missing or do not fit the recipe.
    """
    path = weights or next((run.folder / name for name in WEIGHTS if (run.folder / name).is_file()), None)
    if path is None:
        raise ModelError(f"{run.folder} has no {WEIGHTS[0]}.", "Train first.")
    load_keras()
    model = run.recipe.build(len(run.settings["outputs"]), batch_size, run.size_px)
    try:
        with warnings.catch_warnings():
            # Keras only warns when a file lacks a layer, and leaves random weights in its place.
            warnings.filterwarnings("error", category=UserWarning)
            model.load_weights(str(path))
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise ModelError(f"{path} does not fit the recipe: {str(error)[:200]}.", "Train again.") from error
    return model


def device_network(run: Run) -> Any:
    """Return the Keras model for the device: batch of 1, units in `AU_ORDER`, calibrated log-odds.

    The calibration a * logit + b is folded into the last Dense layer, exactly: (a w) x + (a c + b). Auxiliary outputs
    are cut off; a unit the recipe has no output for gets log-odds of 0, and the manifest calls it unknown.
    """
    trained = network(run)
    bare = run.recipe.build(len(AU_ORDER), 1, run.size_px)
    for ours, theirs in zip(bare.layers[:-1], trained.layers[:-1], strict=True):
        ours.set_weights(theirs.get_weights())
    kernel, bias = trained.layers[-1].get_weights()
    bare.layers[-1].set_weights(fold(run, kernel, bias))
    return bare


def fold(run: Run, kernel: npt.NDArray[Any], bias: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
    """Pick the units' columns of the last layer, in `AU_ORDER`, with their calibration folded in.

    Args:
        run: its `settings["calibration"]` holds {"AU01": {"a": 1.0, "b": 0.0}, ...}; a missing unit is left as it is.
        kernel: (features, outputs).
        bias: (outputs,).

    Returns:
        kernel (features, 18) and bias (18,), float32.
    """
    weights, shifts = np.zeros((len(kernel), len(AU_ORDER)), np.float32), np.zeros(len(AU_ORDER), np.float32)
    calibration = run.settings.get("calibration", {})
    for place, (unit, column) in enumerate(zip(AU_ORDER, run.columns, strict=True)):
        if column is None:
            continue
        line = calibration.get(unit, {"a": 1.0, "b": 0.0})
        weights[:, place] = line["a"] * kernel[:, column]
        shifts[place] = line["a"] * bias[column] + line["b"]
    return [weights, shifts]


def unit_logits(run: Run, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return (N, 18) uncalibrated logits of cached crops; 0 for a unit without an output."""
    model, sides = network(run), (crops, crops[:, :, ::-1]) if run.mirrored else (crops,)
    told = [answers(model, side, run.size_px, run.recipe.CHANNELS) for side in sides]
    return of_units(run, np.mean(told, axis=0))


def of_units(run: Run, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (N, 18) the columns of the units of a network's (N, outputs) logits; 0 for a unit without an output."""
    columns = [np.zeros(len(logits)) if column is None else logits[:, column] for column in run.columns]
    return np.stack(columns, 1).astype(np.float32)


def answers(model: Any, crops: npt.NDArray[np.uint8], size_px: int, channels: int) -> npt.NDArray[np.float32]:
    """Return (N, ...) what a network, or a part of one, says of cached crops.

    Args:
        model: Keras model.
        crops: (N, C, C) uint8 with their margin.
        size_px: side of the model's input.
        channels: of the model's input.
    """
    with without_gradients():
        parts = [
            as_numpy(model(inputs(crops[start : start + BATCH], size_px, channels), training=False))
            for start in range(0, len(crops), BATCH)
        ]
    return np.concatenate(parts) if parts else np.zeros((0, *model.output.shape[1:]), np.float32)


def as_numpy(tensor: Any) -> npt.NDArray[np.float32]:
    """Return a tensor of any precision as a float32 array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")), np.float32)
