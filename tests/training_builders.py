"""Build small prepared data and small runs for tests of what comes after training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from assistant.facs import AU_ORDER
from training import cache
from training.faces import Faces


def made_faces(count: int = 120, seed: int = 0, sources: tuple[str, ...] = ("mine",), each: int = 2) -> Faces:
    """Return faces of noise with labels: `each` pictures a person, 60 % train, 20 % valid, 20 % test."""
    rng = np.random.default_rng(seed)
    person = np.arange(count) // each
    split = np.array(["train", "train", "train", "valid", "test"])[person % 5]
    source = np.array(sources)[person % len(sources)]
    au = (rng.random((count, len(AU_ORDER))) < 0.4).astype(np.int8)
    return Faces(
        rng.integers(0, 256, (count, 144, 144), dtype=np.uint8),
        {
            "names": np.array([f"{source[i]}/{i:04d}.png" for i in range(count)]),
            "group": np.array([f"{source[i]}/{person[i]}" for i in range(count)]),
            "part": source,
            "au": au,
            "second": au.copy(),
            "usable": np.ones(count, np.bool_),
            "split": split,
        },
    )


def write_faces(folder: Path, faces: Faces, seed: int = 0) -> Path:
    """Write a cache and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "crops.npy", faces.crops)
    cache.write(folder, dict(faces.columns), [], {"seed": seed}, None)
    return folder


def write_run(folder: Path, recipe: str = "compact", size_px: int = 16, **settings: Any) -> Path:
    """Write a run of random weights with two outputs more than there are units, small through its input size."""
    from training import recipes
    from training.runs import load_keras

    folder.mkdir(parents=True, exist_ok=True)
    load_keras().utils.set_random_seed(0)
    module = recipes.load(recipe)
    outputs = [*module.AUS, "emotion0", "emotion1"]
    model = module.build(len(outputs), size_px=size_px)
    model.save_weights(str(folder / "model.weights.h5"))
    run = {"recipe": recipe, "seed": 1, "size_px": size_px, "outputs": outputs, "history": [], **settings}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder
