"""Make the scenes that speed is measured on, from scikit-image's photographs alone.

The face is Eileen Collins' (NASA, public domain). The picture sways and nods a little, as a worn camera sees it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

_FACE_AT: Final = (225.0, 125.0)  # in the photograph of 512x512, read off it
_FIVE: Final = (
    (0.13, 0.33),
    (0.87, 0.35),
    (0.32, 0.58),
    (0.69, 0.6),
    (0.5, 0.24),
)  # centres, as a share of the picture
_FPS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Say what is seen.

    Attributes:
        name: in tables and results.
        faces: 0, 1 or 5.
        width_px: of the picture.
        height_px: likewise.
    """

    name: str
    faces: int
    width_px: int
    height_px: int


SCENES: Final = (
    Scene("1-face-640x480", 1, 640, 480),
    Scene("5-faces-640x480", 5, 640, 480),
    Scene("1-face-1280x720", 1, 1280, 720),
    Scene("5-faces-1280x720", 5, 1280, 720),
)
NOBODY: Final = Scene("nobody-640x480", 0, 640, 480)


def frames(scene: Scene, count: int) -> Iterator[Image]:
    """Yield BGR pictures, (H, W, 3) uint8."""
    from skimage import data  # an extra: the program's own demo needs it too

    still = _still(scene, data)
    size = (scene.width_px, scene.height_px)
    centre = (scene.width_px / 2, scene.height_px / 2)
    for number in range(count):
        matrix = cv2.getRotationMatrix2D(centre, 0.0, 1.0 + 0.06 * math.sin(number / 40))
        matrix[:, 2] += 25 * math.sin(number / 25), 10 * math.sin(number / 18)
        yield np.asarray(cv2.warpAffine(still, matrix, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def write_clip(scene: Scene, count: int, path: Path) -> None:
    """Write an mp4 of 30 frames a second."""
    size = (scene.width_px, scene.height_px)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), _FPS, size)
    for image in frames(scene, count):
        writer.write(image)
    writer.release()


def write_raw(clip: Path, count: int, path: Path) -> None:
    """Write a clip's first frames as bare BGR bytes, so that every program gets the same pixels and decodes nothing."""
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG)
    with path.open("wb") as file:
        for _ in range(count):
            given, image = capture.read()
            if not given:
                break
            file.write(image.tobytes())
    capture.release()


def _still(scene: Scene, data: Any) -> Image:
    """Return the scene before it moves."""
    width, height = scene.width_px, scene.height_px
    if scene.faces == 0:
        table = np.ascontiguousarray(data.coffee()[:, :, ::-1])
        return np.asarray(cv2.resize(table, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    photo = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    still = np.full((height, width, 3), (150, 160, 170), np.uint8)
    if scene.faces == 1:
        scale = height / 480
        return _paste(still, photo, (width / 2, height * 0.3), scale)
    head = np.ascontiguousarray(photo[40:215, 145:310])
    scale = height / 480 * 0.8
    for x, y in _FIVE:
        _paste(still, head, (x * width, y * height), scale, (80.0, 85.0))
    return still


def _paste(
    still: Image, photo: Image, at: tuple[float, float], scale: float, centre: tuple[float, float] = _FACE_AT
) -> Image:
    """Put a photograph's face at a place of the scene, in place."""
    if scale < 1:  # average first: bilinear sampling alone would alias
        smaller = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        centre, scale, photo = (centre[0] * scale, centre[1] * scale), 1.0, np.asarray(smaller, np.uint8)
    matrix = np.array([[scale, 0, at[0] - scale * centre[0]], [0, scale, at[1] - scale * centre[1]]], np.float64)
    cv2.warpAffine(photo, matrix, still.shape[1::-1], dst=still, borderMode=cv2.BORDER_TRANSPARENT)
    return still
