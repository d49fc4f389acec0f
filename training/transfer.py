"""Start a network from weights that were learned before: another stage's, another run's, or a pretrained trunk's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import SettingsError
from training import recipes, trunk_sface, trunks
from training.runs import RUN_FILE, Run


def copy_weights(source: Path, model: Any) -> None:
    """Copy every layer of a saved network that fits, so that a stage may have another input size or other outputs.

    Args:
        source: `.weights.h5` of a network of the same recipe.
        model: the network to fill.

    Raises:
        SettingsError: the file cannot be read, or nothing in it fits.
    """
    import h5py

    fitting = 0
    try:
        with h5py.File(source, "r") as file:
            for layer, place in zip(model.layers, _places(model), strict=True):
                group = file.get(f"layers/{place}/vars")
                if group is None or group.attrs.get("name", layer.name) != layer.name:
                    continue
                values = [np.asarray(group[str(i)]) for i in range(len(group))]
                if values and [v.shape for v in values] == [tuple(w.shape) for w in layer.weights]:
                    layer.set_weights(values)
                    fitting += 1
    except (OSError, RuntimeError, KeyError) as error:
        raise SettingsError(f"{source} cannot be read: {error}.", "Give the model.weights.h5 of a run.") from error
    if not fitting:
        raise SettingsError(
            f"No layer of {source} fits the recipe {model.name}.", "Give the model.weights.h5 of such a run."
        )


def _places(model: Any) -> list[str]:
    """Return each layer's group in a Keras weights file: its class in snake case, numbered from the second on."""
    words = [re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__) for layer in model.layers]
    kinds = [re.sub("([a-z])([A-Z])", r"\1_\2", word).lower() for word in words]
    before = [kinds[:place].count(kind) for place, kind in enumerate(kinds)]
    return [f"{kind}_{count}" if count else kind for kind, count in zip(kinds, before, strict=True)]


def trunk_of(weights: Path) -> dict[str, str] | None:
    """Return origin and licence of the pretrained trunk that the run of these weights began with."""
    run = run_of(weights)
    return None if run is None else run.settings.get("trunk")


def run_of(start: Path) -> Run | None:
    """Return the run of a folder, or of a file of weights in it; None where there is no run."""
    folder = start if start.is_dir() else start.parent
    return Run.load(folder) if (folder / RUN_FILE).is_file() else None


def install_trunk(recipe: recipes.Recipe, path: Path, model: Any, faces: npt.NDArray[np.float32]) -> dict[str, str]:
    """Put pretrained convolutions into a network that takes some; return origin and licence for the model card.

    Args:
        recipe: of the network.
        path: file with the convolutions.
        model: the network to fill.
        faces: (N, S, S, channels) float32 inputs to bring the trunk's activations to one size on; 64 are enough.

    Raises:
        SettingsError: the recipe takes none.
        ModelError: the file cannot be read.
    """
    if recipe.NAME == "sface":
        return trunk_sface.install(path, model)
    if recipe.NAME != "vggface":
        raise SettingsError(f"The recipe {recipe.NAME} takes no pretrained trunk.", "Leave --trunk away.")
    trunk = trunks.read(path)
    trunks.install(trunk, model)
    trunks.level(model, faces)
    return {"origin": trunk.origin, "licence": trunk.licence}
