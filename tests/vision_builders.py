"""Build faces, scenes and detectors for tests."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.types import Face, Floats, Frame, ImageRgb, TensorRunner

MODELS = Path(__file__).parents[1] / "models"

# Where the face of scikit-image's astronaut lies, read off the picture: eyes, nose tip, mouth, ears.
ASTRONAUT_LANDMARKS = np.array(
    [[202.0, 102.0], [246.0, 105.0], [223.0, 122.0], [222.0, 146.0], [178.0, 112.0], [270.0, 118.0]], np.float32
)
ASTRONAUT_CENTRE = (225.0, 125.0)
ASTRONAUT_FACE_PX = 93.0


@lru_cache(maxsize=1)
def astronaut() -> ImageRgb:
    """Return scikit-image's photograph of Eileen Collins (NASA, public domain), 512x512."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, which carries the photograph, is not installed")
    picture = np.asarray(data.astronaut(), np.uint8)
    picture.setflags(write=False)
    return picture


def paste_astronaut(
    centre: tuple[float, float],
    face_px: float,
    size: tuple[int, int] = (1280, 720),
    roll_deg: float = 0.0,
    background: ImageRgb | int = 110,
) -> ImageRgb:
    """Return a picture with the astronaut's face of a width at a place, tilted clockwise."""
    width, height = size
    scene = np.full((height, width, 3), background, np.uint8) if isinstance(background, int) else background.copy()
    picture, centre_px, scale = astronaut(), np.array(ASTRONAUT_CENTRE), face_px / ASTRONAUT_FACE_PX
    if scale < 1:  # average first: bilinear sampling alone would alias
        side = round(512 * scale)
        picture = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        centre_px, scale = centre_px * side / 512, scale * 512 / side
    matrix = cv2.getRotationMatrix2D(tuple(centre_px), -roll_deg, scale)
    matrix[:, 2] += np.array(centre) - centre_px
    cv2.warpAffine(picture, matrix, (width, height), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)
    return np.asarray(scene, np.uint8)


def frame(image_rgb: ImageRgb, index: int = 0, source: str = "test") -> Frame:
    return Frame(index, index / 15, image_rgb, source)


def face(x: float = 100.0, y: float = 100.0, width: float = 50.0, height: float | None = None) -> Face:
    """Return a face around a centre, with landmarks where they usually lie."""
    height = width if height is None else height
    shape = np.array([[-0.22, -0.2], [0.22, -0.2], [0, 0.05], [0, 0.27], [-0.48, -0.1], [0.48, -0.1]], np.float32)
    landmarks: Floats = np.asarray(shape * [width, height] + [x, y], np.float32)
    return Face((x - width / 2, y - height / 2, x + width / 2, y + height / 2), landmarks, 0.9)


@lru_cache(maxsize=2)
def blazeface_runner(name: str) -> TensorRunner:
    """Load a vendored model, "short" or "full", once."""
    from assistant.inference.backends.litert import Runner

    return Runner(MODELS / f"blazeface_{name}" / "model.tflite")


def centre_of(found: Face) -> tuple[float, float]:
    left, top, right, bottom = found.box_xyxy
    return (left + right) / 2, (top + bottom) / 2
