"""Let MediaPipe's Face Landmarker score faces, as weak supervision for the Action Units that it sees.

Its 52 blendshape scores go into the cache's table as they are; `pseudo_units` maps them to units. Needs the mediapipe
extra, whose OpenCV replaces the runtime's: run it from an environment of its own, on a cache made before.
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
from assistant.facs import AU_ORDER
from assistant.types import Floats, ImageRgb
from training import cache
from training.datasets.sample import DataError, Sample
from training.partial import writing
from training.progress import Progress

SEEN: Final[dict[str, tuple[str, ...]]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU25": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "AU26": ("jawOpen",),
    "AU43": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Blendshapes that stand for a unit; the larger side counts. ROC AUC on 2,748 usable faces annotated by eye: AU01 0.83,
AU02 0.82, AU05 0.91, AU07 0.84, AU10 0.76, AU12 0.93, AU20 0.81, AU25 0.94, AU26 0.89, AU43 0.96. The other units are
left out: for AU04, AU06 and AU09 the namesakes browDown, cheekSquint and noseSneer say little (browDown 0.67, the
others not among their unit's four best), and AU14, AU15, AU17, AU23 and AU24 follow no one blendshape."""

_SIDE_PX: Final = 192  # tight pictures are enlarged to this, and get a quarter of it as a border on each side
_LEAST: Final = 0.2  # detection and presence confidence: every picture is known to hold a face
_SAVE_EVERY: Final = 2000

Score = Callable[[ImageRgb], dict[str, float] | None]
"""Return the score of each blendshape of a picture's face, or None where no face is found."""


def pseudo_units(blendshapes: Floats, columns: Sequence[str]) -> Floats:
    """Map blendshapes to units.

    Args:
        blendshapes: (N, 52) float32 in [0, 1], NaN where no face was found.
        columns: names of the 52.

    Returns:
        (N, 18) float32 in [0, 1]: a score, not a probability; NaN where the teacher is blind or found no face.
    """
    units = np.full((len(blendshapes), len(AU_ORDER)), np.nan, np.float32)
    names = list(columns)
    for unit, shapes in SEEN.items():
        units[:, AU_ORDER.index(unit)] = blendshapes[:, [names.index(shape) for shape in shapes]].max(1)
    return units


def add_blendshapes(
    folder: Path, samples: Sequence[Sample], model: Path, clock: Clock, score: Score | None = None
) -> None:
    """Score every picture of a finished cache and put `blendshapes` and `blendshape_columns` into its table.

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
    cache.add_columns(folder, {"blendshapes": _matrix(done, columns), "blendshape_columns": np.array(columns)})
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
