"""Show a made scene of people who come, turn and go, from one real photograph.

The photograph is scikit-image's `astronaut`: Eileen Collins, NASA, public domain. Nothing of it is kept here: it is
cut out along an outline and moved over a plain room as a head camera would see it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import cos, radians, sin, tau
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from assistant.camera.recorded import RecordedCamera, Shot, Speed
from assistant.clock import Clock
from assistant.errors import DependencyError
from assistant.types import ImageRgb

FPS: Final = 15.0
SECONDS: Final = 24.0
WIDTH_PX: Final = 640
HEIGHT_PX: Final = 480
_MARGIN_PX: Final = 24  # of room around the picture, for the wearer's head to move in
_FACE_XY: Final = (225.0, 115.0)  # of the photograph, 512 x 512
_OUTLINE_XY: Final = (
    (276, 31), (248, 18), (227, 16), (201, 23), (189, 35), (174, 43), (156, 58), (153, 68), (157, 104), (170, 118),
    (179, 132), (183, 148), (160, 149), (136, 158), (119, 171), (112, 188), (115, 205), (96, 222), (74, 234),
    (56, 256), (46, 282), (36, 330), (24, 400), (26, 450), (40, 480), (60, 512), (279, 512), (279, 485), (288, 455),
    (303, 416), (313, 384), (330, 361), (361, 351), (360, 328), (352, 287), (340, 262), (318, 242), (304, 233),
    (291, 201), (256, 174), (258, 163), (263, 156), (271, 136), (290, 117), (300, 93), (296, 58), (286, 40),
)  # fmt: skip
# head, hair and suit, without the helmet at her side


@dataclass(frozen=True, slots=True)
class _Pose:
    """Where a person is at a moment.

    Attributes:
        at_s: the moment, seconds of the scene.
        x_px, y_px: centre of the face in the picture.
        scale: of the photograph; at 1 the face is about 75 px wide. y + 397 * scale reaches the picture's lower edge.
        turn_deg: of the whole person about the vertical axis; small, because a photograph is flat.
    """

    at_s: float
    x_px: float
    y_px: float
    scale: float
    turn_deg: float = 0.0


_FIRST: Final = (
    _Pose(2.0, 800.0, 220.0, 0.75),
    _Pose(4.5, 480.0, 215.0, 0.85, 14.0),
    _Pose(5.5, 440.0, 215.0, 0.90),
    _Pose(8.0, 330.0, 225.0, 1.60),
    _Pose(10.0, 320.0, 225.0, 1.60, -12.0),
    _Pose(12.5, 180.0, 200.0, 1.00),
    _Pose(15.5, 170.0, 200.0, 1.00, 8.0),
    _Pose(18.5, -160.0, 205.0, 0.85, -14.0),
)
_SECOND: Final = (
    _Pose(10.5, 810.0, 205.0, 0.80),
    _Pose(13.0, 470.0, 210.0, 0.85, 10.0),
    _Pose(16.0, 450.0, 210.0, 0.85),
    _Pose(18.5, 360.0, 205.0, 0.95, -6.0),
    _Pose(20.0, 370.0, 205.0, 0.95),
    _Pose(22.5, 810.0, 215.0, 0.80, 14.0),
)


@dataclass(frozen=True, slots=True)
class _Actor:
    """A cut-out, (512, 512, 4) uint8 RGB with alpha already multiplied in, and where it goes."""

    cutout: npt.NDArray[np.uint8]
    face_x_px: float
    path: tuple[_Pose, ...]


class DemoCamera(RecordedCamera):
    """Play the demo: 24 s at 15 frames a second, 640x480, the same at every run.

    The room is empty for 2 s; somebody comes from the right, comes close, goes to the left; a second person joins at
    about 12 s; the first leaves at about 17 s, the second at about 21 s. Draws each frame when it is asked for.

    Args:
        clock: the loop's clock.
        speed: see `RecordedCamera`.
        wait: see `RecordedCamera`.

    Raises:
        DependencyError: scikit-image or its photograph is missing; show the install line.
    """

    def __init__(self, clock: Clock, speed: Speed = "real", wait: Callable[[float], object] | None = None) -> None:
        photograph = _photograph()
        mirrored = np.ascontiguousarray(photograph[:, ::-1])
        outline = np.array(_OUTLINE_XY, np.int32)
        width = photograph.shape[1]
        self._actors = (
            _Actor(_cut_out(mirrored, outline * (-1, 1) + (width, 0), 0.72), width - _FACE_XY[0], _SECOND),
            _Actor(_cut_out(photograph, outline, 1.0), _FACE_XY[0], _FIRST),
        )
        self._room = _room()
        self._noise = np.random.default_rng(7).normal(0.0, 2.5, self._room.shape).round().astype(np.int16)
        super().__init__("the demo", self._each, clock, speed, wait)

    def _each(self) -> Iterator[Shot]:
        for index in range(round(SECONDS * FPS)):
            yield Shot(index / FPS, 1.0 / FPS, partial(self._draw, index), "demo")

    def _draw(self, index: int) -> ImageRgb:
        """Return frame `index`: the room, the people, the light and the sensor's noise."""
        at_s = index / FPS
        sway_x = 8.0 * sin(tau * at_s / 5.0)
        sway_y = 5.0 * sin(tau * at_s / 3.1)
        left, top = round(_MARGIN_PX + sway_x), round(_MARGIN_PX + sway_y)
        image = self._room[top : top + HEIGHT_PX, left : left + WIDTH_PX].copy()
        for actor in self._actors:
            pose = _pose(actor.path, at_s)
            if pose is not None:
                _lay_over(image, actor, pose, sway_x, sway_y)
        image = cv2.convertScaleAbs(image, alpha=1.0 + 0.03 * sin(tau * at_s / 7.0))
        right, down = (37 * index) % (2 * _MARGIN_PX), (17 * index) % (2 * _MARGIN_PX)
        noise = self._noise[down : down + HEIGHT_PX, right : right + WIDTH_PX]
        return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def _photograph() -> ImageRgb:
    """Return scikit-image's astronaut, (512, 512, 3) uint8 RGB; it lies in the package, nothing is fetched."""
    try:
        from skimage import data

        picture: Any = data.astronaut()
    except (ImportError, OSError) as error:
        raise DependencyError(
            "The demo's photograph is not installed.",
            'Install it: pip install "facecue[demo]"',
            "no_demo",
        ) from error
    return np.ascontiguousarray(picture[:, :, :3], dtype=np.uint8)


def _cut_out(photograph: ImageRgb, outline_xy: npt.NDArray[Any], brightness: float) -> npt.NDArray[np.uint8]:
    """Return the person with a soft edge: RGB multiplied by alpha, and alpha, (512, 512, 4)."""
    mask = np.zeros(photograph.shape[:2], np.uint8)
    cv2.fillPoly(mask, [outline_xy.astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask, (0, 0), 2.5).astype(np.float32) / 255.0
    alpha = ((soft - 0.45) / 0.5).clip(0.0, 1.0)[:, :, np.newaxis]  # drawn in a little, so that no old edge shows
    layers = np.concatenate([photograph * alpha * brightness, 255.0 * alpha], axis=2)
    return layers.round().astype(np.uint8)


def _room() -> npt.NDArray[np.uint8]:
    """Return an empty room, larger than the picture by the margin: a wall, a door, a picture frame, a floor."""
    height, width = HEIGHT_PX + 2 * _MARGIN_PX, WIDTH_PX + 2 * _MARGIN_PX
    room = np.empty((height, width, 3), np.float32)
    room[:] = (176.0, 168.0, 154.0)
    floor = round(0.84 * height)
    room[floor:] = (118.0, 98.0, 78.0)
    room[floor - 8 : floor] = (205.0, 200.0, 192.0)
    cv2.rectangle(room, (64, 96), (196, floor), (146.0, 120.0, 92.0), -1)
    cv2.rectangle(room, (80, 112), (180, floor - 8), (158.0, 132.0, 102.0), -1)
    cv2.rectangle(room, (452, 88), (604, 196), (92.0, 78.0, 66.0), -1)
    cv2.rectangle(room, (462, 98), (594, 186), (150.0, 164.0, 168.0), -1)
    light = np.linspace(1.08, 0.86, width, dtype=np.float32)[np.newaxis, :, np.newaxis]  # a window to the left
    soft = cv2.GaussianBlur(room * light, (0, 0), 2.0)
    return np.asarray(soft.clip(0, 255), np.uint8)


def _pose(path: tuple[_Pose, ...], at_s: float) -> _Pose | None:
    """Return the pose between the two nearest ones, eased; None before the first and after the last."""
    after = bisect_right(path, at_s, key=lambda pose: pose.at_s)
    if not 0 < after < len(path):
        return None
    a, b = path[after - 1], path[after]
    part = (at_s - a.at_s) / (b.at_s - a.at_s)
    part = part * part * (3.0 - 2.0 * part)

    def between(first: float, second: float) -> float:
        return first + part * (second - first)

    return _Pose(
        at_s,
        between(a.x_px, b.x_px),
        between(a.y_px, b.y_px),
        between(a.scale, b.scale),
        between(a.turn_deg, b.turn_deg),
    )


def _lay_over(image: ImageRgb, actor: _Actor, pose: _Pose, sway_x: float, sway_y: float) -> None:
    """Draw a person over the picture, in place."""
    angle = radians(pose.turn_deg)
    to_face = np.array([[1.0, 0.0, -actor.face_x_px], [0.0, 1.0, -_FACE_XY[1]], [0.0, 0.0, 1.0]])
    # A plane turned about its vertical axis, seen from 900 of its own pixels away (pinhole camera).
    turn = np.array([[pose.scale * cos(angle), 0.0, 0.0], [0.0, pose.scale, 0.0], [sin(angle) / 900.0, 0.0, 1.0]])
    to_picture = np.array([[1.0, 0.0, pose.x_px - sway_x], [0.0, 1.0, pose.y_px - sway_y], [0.0, 0.0, 1.0]])
    layer = cv2.warpPerspective(
        actor.cutout, to_picture @ turn @ to_face, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_LINEAR
    )
    left, top, width, height = cv2.boundingRect(layer[:, :, 3])
    if width == 0:
        return
    rows, columns = slice(top, top + height), slice(left, left + width)
    behind = cv2.merge([255 - layer[rows, columns, 3]] * 3)
    seen_behind = cv2.multiply(image[rows, columns], behind, scale=1.0 / 255.0)
    image[rows, columns] = cv2.add(seen_behind, layer[rows, columns, :3])
