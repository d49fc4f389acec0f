"""Build what the command line needs: a folder of models that are quick and real, stand-ins for stages, and a caller."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from assistant import locate
from assistant.__main__ import main
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.inference.manifest import write_manifest
from assistant.types import ActionUnits, Considered, Expression, Face, Frame, Scene, Utterance
from tests.camera_builders import write_picture
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


CHILD = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in a shell's background
from assistant import locate
from assistant.__main__ import main
shipped = locate.shipped
locate.shipped = lambda name: Path(sys.argv[1]) if name == "models" else shipped(name)
sys.exit(main(sys.argv[2:]))
"""


@contextmanager
def started(models: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the command line as a process of its own, and end it whatever happens."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(models), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def call(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command line in this process; return exit status, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


def photograph() -> npt.NDArray[np.uint8]:
    """Return scikit-image's astronaut, a real photograph in the public domain: (512, 512, 3) RGB."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed: pip install '.[demo]'")
    picture: npt.NDArray[np.uint8] = data.astronaut()[:, :, :3]
    return picture


def face_picture(path: Path) -> Path:
    """Write the photograph as a picture."""
    return write_picture(path, np.ascontiguousarray(photograph()[:, :, ::-1]))


def face_clip(path: Path, seconds: float = 4.0) -> Path:
    """Write a clip, 640x480 at 10 frames a second, that shows the photographed person all the time."""
    still = np.full((480, 640, 3), 160, np.uint8)
    still[:, 80:560] = photograph()[:480, :480, ::-1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (640, 480))
    for shift in range(round(seconds * 10)):
        writer.write(np.roll(still, shift % 3, axis=1))
    writer.release()
    return path


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
