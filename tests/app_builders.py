"""Build what the command line needs: a folder of models that are quick and real, stand-ins for stages, and a caller."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant import locate
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.inference.manifest import write_manifest
from assistant.types import ActionUnits, Considered, Expression, Face, Frame, Scene, Utterance
from tests.model_builders import model_folder

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "models"
DATA = Path(os.environ.get("FACECUE_DATA", ROOT.parent / "shared" / "data"))

needs_models = pytest.mark.skipif(
    not (SHIPPED / "expression" / "manifest.json").is_file()
    or not any((SHIPPED / name / "manifest.json").is_file() for name in ("compact", "vggface")),
    reason="this checkout holds no trained Action Unit and expression models",
)
needs_media = pytest.mark.skipif(
    not (DATA / "media").is_dir(), reason="no test clips: put them beside the checkout, or name them in FACECUE_DATA"
)


def tiny_models(parent: Path) -> Path:
    """Write a folder like models/: the shipped detectors, a tiny Action Unit model, a small expression model."""
    folder = parent / "models"
    folder.mkdir(parents=True)
    for name in ("blazeface_short", "blazeface_full"):
        (folder / name).symlink_to(SHIPPED / name)
    model_folder(folder, "compact")
    expression_model(folder / "expression")
    return folder


def expression_model(folder: Path) -> Path:
    """Write a model that finds happiness in AU12, with a manifest."""
    folder.mkdir()
    smile = [2.0 if au == "AU12" else 0.0 for au in AU_ORDER]
    document = {
        "labels": EXPRESSIONS,
        "mean": [0.0] * len(AU_ORDER),
        "deviation": [1.0] * len(AU_ORDER),
        "weights": [smile if label == "happiness" else [0.0] * len(AU_ORDER) for label in EXPRESSIONS],
        "bias": [0.0] * len(EXPRESSIONS),
        "temperature": 1.0,
        "threshold": 0.3,
    }
    (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
    fields = {"task": "expression", "version": "1", "file": "model.json", "licence": "Apache-2.0", "origin": "a test"}
    write_manifest(folder, {"name": "expression", **fields})
    return folder


def use_models(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let this folder stand for the shipped models."""
    shipped = locate.shipped
    monkeypatch.setattr(locate, "shipped", lambda name: folder if name == "models" else shipped(name))


def start(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    """Start the command line as a process of its own, with this checkout's models."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **options.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.Popen(
        [sys.executable, "-m", "assistant", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def frame(index: int = 0, at_s: float | None = None, size: tuple[int, int] = (64, 48), level: int = 128) -> Frame:
    """A grey frame; (width, height); ten frames a second."""
    image = np.full((size[1], size[0], 3), level, np.uint8)
    return Frame(index, index / 10 if at_s is None else at_s, image, "made")


def face(left: float = 10.0, width: float = 20.0, score: float = 0.9) -> Face:
    return Face((left, 10.0, left + width, 10.0 + width), np.zeros((6, 2), np.float32), score)


class ScriptedDetector:
    """Find the same faces in every frame."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        return self.faces


class CountingTracker:
    """Number faces from 1, largest first."""

    def update(self, faces: Sequence[Face], now_s: float) -> tuple[Face, ...]:
        ordered = sorted(faces, key=lambda each: -each.width_px)
        return tuple(replace(each, track=number) for number, each in enumerate(ordered, 1))


class FixedUnits:
    """Estimate the same for every face, and count."""

    def __init__(self, units: ActionUnits) -> None:
        self.units, self.calls = units, 0

    def estimate(self, frame: Frame, face: Face) -> ActionUnits:
        self.calls += 1
        return self.units

    def smooth(self, track: int, units: ActionUnits, now_s: float) -> ActionUnits:
        return units


class PlainClassifier:
    """Say "happiness" of a face whose units are known."""

    def classify(self, units: ActionUnits) -> Expression:
        known = any(p is not None for p in units.probability)
        return Expression("happiness" if known else UNCLEAR, 0.9, (1 / len(EXPRESSIONS),) * len(EXPRESSIONS))


class EagerPolicy:
    """Say the given words about the first frame that shows anybody."""

    def __init__(self, utterance: Utterance | None) -> None:
        self.utterance = utterance
        self.scenes: list[Scene] = []

    def consider(self, scene: Scene, now_s: float) -> Considered:
        self.scenes.append(scene)
        words, self.utterance = (self.utterance, None) if scene.people else (None, self.utterance)
        return Considered(words)


class ListCamera:
    """Give the frames of a list; run something before each where asked."""

    name, live = "a list", False

    def __init__(self, *frames: Frame) -> None:
        self._frames, self.closed = frames, False

    def frames(self) -> Iterator[Frame]:
        yield from self._frames

    def close(self) -> None:
        self.closed = True
