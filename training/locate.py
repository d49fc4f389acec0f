"""Find the face of a training picture with the runtime's own detector: the one place where training composes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from assistant.inference.backends.litert import Runner
from assistant.inference.manifest import verify
from assistant.types import Face, Frame, ImageRgb
from assistant.vision.blazeface import SURE, BlazeFaceDetector, locate_in_crop

MIN_SCORE: Final = 0.3
"""Least confidence of the thorough search: half the runtime's, because a training picture is known to hold a face."""

Locate = Callable[[ImageRgb, bool], Face | None]
"""Return the face of a picture in its pixels, or None; True: the picture is cut closely around one face."""


def open_locator(models: Path, threads: int = 1) -> Locate:
    """Load both BlazeFace models and return what finds the largest face.

    The short-range model alone answers for most pictures. Where it is not sure, both search thoroughly, which takes
    about seven times as long; in a tightly cut picture many of its looks vote.

    Args:
        models: folder with blazeface_short and blazeface_full.
        threads: of LiteRT.

    Raises:
        ModelError: a model is missing or altered.
        DependencyError: LiteRT is not installed.
    """
    short, full = (_runner(models / name, threads) for name in ("blazeface_short", "blazeface_full"))
    near, thorough = BlazeFaceDetector(short, None, SURE), BlazeFaceDetector(short, full, MIN_SCORE)

    def locate(image_rgb: ImageRgb, tight: bool) -> Face | None:
        if tight:
            return locate_in_crop(near, image_rgb)
        found = (_largest(detector, image_rgb) for detector in (near, thorough))
        return next((face for face in found if face is not None), None)

    return locate


def _runner(folder: Path, threads: int) -> Runner:
    return Runner(folder / verify(folder).file, threads)


def _largest(detector: BlazeFaceDetector, image_rgb: ImageRgb) -> Face | None:
    return max(detector.detect(Frame(0, 0.0, image_rgb)), key=lambda face: face.width_px, default=None)
