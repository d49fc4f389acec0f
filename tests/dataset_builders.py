"""Write tiny made-up copies of data set layouts, with drawn pictures, and prepare them without a detector."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assistant.clock import ManualClock
from assistant.types import Face, ImageRgb
from assistant.vision.align import whole_image_landmarks
from training.__main__ import COMMANDS
from training.prepare import add_arguments, prepare

VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
Grey = npt.NDArray[np.uint8]


def drawn(seed: int, size_px: int = 48) -> Grey:
    """Return (S, S) uint8 blotches: unlike those of any other seed, and unlike their own mirror."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC), np.uint8)


def write_picture(path: Path, seed: int, size_px: int = 64) -> None:
    """Write a drawn picture, lossless where the suffix allows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), drawn(seed, size_px))


def found(image_rgb: ImageRgb, tight: bool) -> Face | None:
    """Stand in for the detector: a face that fills the picture."""
    height, width = image_rgb.shape[:2]
    return Face((0.0, 0.0, float(width), float(height)), whole_image_landmarks(height, width), 0.9)


def write_manifest(
    folder: Path, people: int = 30, each: int = 2, units: Sequence[str] = ("AU04", "AU12"), first_seed: int = 0
) -> Path:
    """Write `labels.csv` with pictures of people who each show every unit in their first picture and none after."""
    lines = ["image,person," + ",".join(units)]
    for person in range(people):
        for shot in range(each):
            image = f"p{person:02d}_{shot}.png"
            write_picture(folder / image, first_seed + person * each + shot)
            lines.append(f"{image},P{person:02d}," + ",".join("2" if shot == 0 else "0" for _ in units))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "labels.csv"


def write_ferplus(
    folder: Path, train: int = 6, valid: int = 3, groups: Mapping[str, Sequence[int]] | None = None
) -> None:
    """Write FER+ archives whose picture N is `drawn(1000 + N)`; `groups` lists numbers that repeat each other."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, numbers in (("train", range(train)), ("valid", range(train, train + valid))):
        votes = np.zeros((len(numbers), 10), np.uint8)
        votes[:, 1] = 9
        votes[:, 8] = 1
        np.savez(
            folder / f"{part}.npz",
            images=np.stack([drawn(1000 + n) for n in numbers]),
            names=np.array([f"fer{n:07d}" for n in numbers]),
            votes=votes,
            vote_columns=np.array(VOTE_COLUMNS),
        )
    lines = ["group,image"]
    for group, members in (groups or {}).items():
        lines += [f"{group},fer{n:07d}" for n in members]
    (folder / "near_duplicates.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_annotations(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Write `annotations.jsonl`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def write_clip(path: Path, seeds: Sequence[int], size_px: int = 64) -> None:
    """Write an MJPG clip of drawn pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (size_px, size_px))
    for seed in seeds:
        writer.write(np.repeat(drawn(seed, size_px)[..., None], 3, axis=-1))
    writer.release()


def run_prepare(out: Path, *arguments: str, locate: Callable[[ImageRgb, bool], Face | None] = found) -> dict[str, Any]:
    """Prepare with the command's own options and a made-up detector; return the manifest."""
    assert "prepare" in COMMANDS
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return prepare(parser.parse_args(["--out", str(out), *arguments]), ManualClock(), locate)
