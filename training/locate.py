"""Find the face of a training picture with the runtime's own detector: the one place where training composes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from assistant.inference.backends.litert import Runner
from assistant.inference.manifest import verify
from assistant.types import Face, Frame, ImageRgb
from assistant.vision.blazeface import BlazeFaceDetector, locate_in_crop

MIN_SCORE: Final = 0.3
"""Least confidence: half the runtime's, because every training picture is known to hold a face."""

Locate = Callable[[ImageRgb, bool], Face | None]
"""Return the face of a picture in its pixels, or None; True: the picture is cut closely around one face."""


def open_locator(models: Path, threads: int = 1) -> Locate:
    """Load both BlazeFace models and return what finds the largest face.

    Raises:
        ModelError: a model is missing or altered.
        DependencyError: LiteRT is not installed.
    """

    def runner(name: str) -> Runner:
        folder = models / name
        return Runner(folder / verify(folder).file, threads)

    detector = BlazeFaceDetector(runner("blazeface_short"), runner("blazeface_full"), MIN_SCORE)

    def locate(image_rgb: ImageRgb, tight: bool) -> Face | None:
        if tight:
            return locate_in_crop(detector, image_rgb)
        faces = detector.detect(Frame(0, 0.0, image_rgb))
        return max(faces, key=lambda face: face.width_px, default=None)

    return locate
