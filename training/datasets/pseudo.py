"""Let MediaPipe's Face Landmarker score faces, as weak supervision beside the Action Units.

Its 52 blendshape scores go into the cache's table as they are. Needs the mediapipe extra, whose OpenCV replaces the
runtime's: run it from an environment of its own, on a cache made before.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from assistant.clock import Clock
from assistant.errors import DependencyError, ModelError
from assistant.types import Floats, ImageRgb
from training import cache
from training.datasets.sample import DataError, Sample
from training.partial import writing
from training.progress import Progress

BLENDSHAPES: Final = tuple(  # a list of 52 strings is longer to read
    """
    _neutral browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight
    cheekPuff cheekSquintLeft cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft
    eyeLookDownRight eyeLookInLeft eyeLookInRight eyeLookOutLeft eyeLookOutRight eyeLookUpLeft
    eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight jawForward
    jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight
    mouthFrownLeft mouthFrownRight mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight
    mouthPressLeft mouthPressRight mouthPucker mouthRight mouthRollLower mouthRollUpper
    mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight mouthStretchLeft mouthStretchRight
    mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight
    """.split()
)
"""Columns of the table's blendshapes, in the order of MediaPipe's Face Landmarker."""

_SIDE_PX: Final = 192  # tight pictures are enlarged to this, and get a quarter of it as a border on each side
_LEAST: Final = 0.2  # detection and presence confidence: every picture is known to hold a face
_SAVE_EVERY: Final = 2000

Score = Callable[[ImageRgb], dict[str, float] | None]
"""Return the score of each blendshape of a picture's face, or None where no face is found."""


def add_blendshapes(
    folder: Path, samples: Sequence[Sample], model: Path, clock: Clock, score: Score | None = None
) -> None:
    """Score every picture of a finished cache and put them into its table as `blendshapes`.

    A run that was killed continues; the scores so far lie in `teacher.part.npz`.

    Args:
        folder: of the cache.
        samples: what the cache was made of.
        model: MediaPipe's face_landmarker.task.
        clock: for the progress.
        score: stands in for MediaPipe.

    Raises:
        DependencyError: mediapipe is not installed.
        ModelError: the model file is missing or none.
        OutputError: the folder cannot be written.
    """
    names = cache.read_table(folder)["names"].tolist()
    by_name = {sample.name: sample for sample in samples}
    part = folder / "teacher.part.npz"
    done, columns = _resume(part, names)
    progress = Progress("faces scored", len(names) - len(done), clock)
    with open_teacher(model) if score is None else nullcontext(score) as ask:
        for name in names[len(done) :]:
            found = ask(_framed(by_name[name]))
            columns = columns or list(found or ())
            done.append(found)
            if len(done) % _SAVE_EVERY == 0:
                _save(part, names, done, columns)
            progress.step()
    if not columns:
        raise DataError("The teacher found no face in any picture.", "Give MediaPipe's face_landmarker.task.")
    if missing := set(BLENDSHAPES) - set(columns):
        raise DataError(f"The teacher does not score {min(missing)}.", "Give MediaPipe's face_landmarker.task.")
    cache.add_columns(folder, {"blendshapes": _matrix(done, BLENDSHAPES)})
    part.unlink(missing_ok=True)
    print(f"Blendshapes of {sum(found is not None for found in done)} of {len(names)} faces are in the table.")


@contextmanager
def open_teacher(model: Path) -> Iterator[Score]:
    """Load the Face Landmarker, give what scores a picture, and release it.

    Raises:
        DependencyError: mediapipe is not installed.
        ModelError: the file is missing or none.
    """
    if not model.is_file():
        raise ModelError(f"The teacher {model} is missing.", "Give the path of MediaPipe's face_landmarker.task.")
    try:
        import mediapipe
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision
    except ImportError as error:
        raise DependencyError(
            f"mediapipe cannot be loaded: {error}.", "In an environment of its own: pip install numpy mediapipe"
        ) from error
    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        output_face_blendshapes=True,
        min_face_detection_confidence=_LEAST,
        min_face_presence_confidence=_LEAST,
        num_faces=1,
    )
    try:
        landmarker = vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"The teacher {model} cannot be loaded: {error}.", "Download it again.") from error

    def score(image_rgb: ImageRgb) -> dict[str, float] | None:
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image_rgb)
        faces: Any = landmarker.detect(picture).face_blendshapes
        return {shape.category_name: float(shape.score) for shape in faces[0]} if faces else None

    with landmarker:
        yield score


def _framed(sample: Sample) -> ImageRgb:
    """Return what the teacher sees: luminance in three channels, a tight picture enlarged and with a border."""
    grey = cv2.cvtColor(sample.read(), cv2.COLOR_RGB2GRAY)
    if sample.tight:
        scale = _SIDE_PX / max(grey.shape)
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        pad = _SIDE_PX // 4
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
        grey = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=-1))


def _matrix(done: Sequence[dict[str, float] | None], columns: Sequence[str]) -> Floats:
    blind = dict.fromkeys(columns, float("nan"))
    return np.array([[(found or blind)[name] for name in columns] for found in done], np.float32)


def _save(part: Path, names: Sequence[str], done: Sequence[dict[str, float] | None], columns: Sequence[str]) -> None:
    beside = part.with_name("teacher.new.npz")
    with writing(part):
        np.savez(beside, names=np.array(names[: len(done)]), scores=_matrix(done, columns), columns=np.array(columns))
        beside.replace(part)


def _resume(part: Path, names: Sequence[str]) -> tuple[list[dict[str, float] | None], list[str]]:
    """Return the scores of the first names, as far as a killed run came with the same names."""
    try:
        with part.open("rb") as file, np.load(file) as stored:
            before, scores, columns = stored["names"].tolist(), stored["scores"], stored["columns"].tolist()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return [], []
    if before != list(names[: len(before)]):
        return [], []
    return [None if np.isnan(row[0]) else dict(zip(columns, row.tolist(), strict=True)) for row in scores], columns
