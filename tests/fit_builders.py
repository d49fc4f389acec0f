"""Build a recipe and prepared data so small that a whole training takes a second."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from assistant.facs import AU_ORDER
from training import fit, recipes
from training.datasets.pseudo import BLENDSHAPES
from training.faces import Faces
from training.losses import EMOTIONS
from training.recipes import Plan, Stage

SMILE = AU_ORDER.index("AU12")
FROWN = AU_ORDER.index("AU04")
STAGES = (
    Stage("first", 16, 7, 8, 3e-3, 0.5, weights={"au": 1.0, "soft": 1.0, "emotion": 0.5, "shape": 0.5}),
    Stage("second", 24, 6, 8, 3e-3, 0.75, ("trunk_conv1",), {"au": 1.0, "emotion": 0.5}),
)


def drawn_faces(count: int = 60, seed: int = 0) -> Faces:
    """Return drawn heads, two pictures a person: half of them smile (AU12), a third frown (AU04), the rest is absent.

    One in five has no annotation, one in five no emotion votes, one in five no blendshapes.
    """
    rng = np.random.default_rng(seed)
    au = np.zeros((count, len(AU_ORDER)), np.int8)
    au[:, SMILE], au[:, FROWN] = rng.random(count) < 0.5, rng.random(count) < 0.35
    crops = np.stack([_head(rng, bool(row[SMILE]), bool(row[FROWN])) for row in au])
    number = np.arange(count)
    au[number % 5 == 4] = -2
    votes = np.zeros((count, EMOTIONS), np.uint8)
    votes[number, np.where(au[:, SMILE] > 0, 1, 0)] = 10
    votes[number % 5 == 3] = 0
    shapes = rng.random((count, len(BLENDSHAPES)), dtype=np.float32)
    shapes[number % 5 == 2] = np.nan
    person = number // 2
    return Faces(
        crops,
        {
            "names": np.array([f"drawn/{n:04d}.png" for n in number]),
            "group": np.array([f"drawn/{p}" for p in person]),
            "part": np.full(count, "drawn"),
            "au": au,
            "emotion": votes,
            "blendshapes": shapes,
            "usable": np.ones(count, np.bool_),
            "split": np.array(["train", "train", "train", "valid", "test"])[person % 5],
        },
    )


def _head(rng: np.random.Generator, smiles: bool, frowns: bool) -> np.ndarray:
    picture = np.full((144, 144), int(rng.integers(40, 120)), np.uint8)
    x, y = (int(rng.integers(66, 78)) for _ in range(2))
    skin = int(rng.integers(150, 220))
    cv2.ellipse(picture, (x, y), (44, 58), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        cv2.circle(picture, (x + side * 18, y - 14), 5, 20, -1)
        slope = 6 if frowns else -2
        cv2.line(picture, (x + side * 8, y - 26 + slope), (x + side * 28, y - 28), 30, 4)
    if smiles:
        cv2.ellipse(picture, (x, y + 18), (22, 14), 0, 10, 170, 30, 5)
    else:
        cv2.line(picture, (x - 14, y + 28), (x + 14, y + 28), 30, 5)
    noise = rng.normal(0, 4, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def tiny_build(outputs: int, batch_size: int | None = None, size_px: int = 16) -> Any:
    """Return a network of two convolutions with everything that has state: normalisation, dropout, averaged weights."""
    import keras
    from keras import layers

    inputs = keras.Input((size_px, size_px, 1), batch_size=batch_size, name="face")
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="trunk_conv1")(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="trunk_conv2")(x)
    x = layers.BatchNormalization(momentum=0.9, name="trunk_norm2")(x)
    x = layers.ReLU(name="trunk_relu2")(x)
    x = layers.Conv2D(4, 1, activation="relu", name="head_narrow")(x)
    x = layers.Flatten(name="places")(x)
    x = layers.Dropout(0.3, seed=1, name="head_dropout")(x)
    return keras.Model(inputs, layers.Dense(outputs, name="logits", dtype="float32")(x), name="tiny")


def tiny_recipe(stages: tuple[Stage, ...] = STAGES, **plan: Any) -> ModuleType:
    """Return a recipe module of its own, not registered."""
    module = ModuleType("training.recipes.tiny")
    values = {"average": 0.9, "weight_decay": 1e-3, **plan}
    names = {"NAME": "tiny", "SIZE_PX": 24, "CHANNELS": 1, "AUS": AU_ORDER, "PLAN": Plan(stages, **values)}
    vars(module).update(names, build=tiny_build)
    return module


def use_recipe(module: ModuleType) -> None:
    """Make `recipes.load` find it; a test undoes this with its fixture."""
    recipes.NAMES = (*(name for name in recipes.NAMES if name != "tiny"), "tiny")
    sys.modules["training.recipes.tiny"] = module


@contextmanager
def tiny_registered(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the tiny recipe for a test, and leave neither it nor a numeric precision behind."""
    import keras

    patch.setattr(recipes, "NAMES", recipes.NAMES)
    patch.setitem(sys.modules, "training.recipes.tiny", None)
    policy = keras.mixed_precision.dtype_policy()
    use_recipe(tiny_recipe())
    yield
    keras.mixed_precision.set_dtype_policy(policy)


def fit_options(data: Path, out: Path, *arguments: str) -> argparse.Namespace:
    """Return options of `train tiny` as the command line would."""
    parser = argparse.ArgumentParser()
    fit.add_arguments(parser)
    words = ["tiny", "--data", str(data), "--out", str(out), "--threads", "1", "--precision", "float32", *arguments]
    return parser.parse_args(words)


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """Return every array of a Keras weights file by its layer's name and its number, "logits/0"."""
    import h5py

    with h5py.File(path, "r") as file:
        groups = [layer["vars"] for layer in file["layers"].values() if len(layer.get("vars", ()))]
        return {f"{group.attrs['name']}/{number}": np.asarray(group[number]) for group in groups for number in group}


if __name__ == "__main__":  # a process that a test kills, or runs on another back end
    use_recipe(tiny_recipe())
    fit.CHUNK = 2
    raise SystemExit(fit.run(fit_options(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])))
