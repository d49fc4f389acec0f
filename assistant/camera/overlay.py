"""Draw on a video what Facecue saw."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import cv2
import numpy as np

from assistant.camera.quiet import quieten_opencv, silent_stderr
from assistant.errors import OutputError
from assistant.facs import AU_ORDER
from assistant.types import Face, Frame, ImageRgb, Person, Scene

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_CODECS: Final = {".mp4": "mp4v", ".avi": "MJPG", ".webm": "VP80"}  # OpenCV's wheels cannot write H.264
_WHITE: Final = (255, 255, 255)
_DIM: Final = (165, 165, 165)
_COLOURS: Final = (
    (255, 209, 71),
    (92, 220, 255),
    (255, 140, 200),
    (150, 255, 130),
)  # by track; none tells red from green
_LONGEST_GAP_S: Final = 5.0  # a longer silence of the camera is cut out, not filled with a still
_RESERVE_BYTES: Final = 32 << 20  # enough to finish the file's index
_CHECK_EVERY: Final = 30  # frames, between two looks at the free space


def draw(image_rgb: ImageRgb, scene: Scene) -> ImageRgb:
    """Return a copy of a picture with boxes, Action Units at the top left and expressions at the bottom left.

    A box's number is its person's track; each person has a column of units, present ones bright, unknown ones "--",
    largest face first, as many columns as half the picture holds. Sizes follow the picture's height.
    """
    image = image_rgb.copy()
    size = max(0.3, image.shape[0] / 1000.0)
    for person in reversed(scene.people):
        _draw_box(image, person.face, size)
    left = 0
    for person in scene.people:
        width = _plate(image, _unit_lines(person), left, 0, size)
        left += width
        if left + width > image.shape[1] / 2:
            break
    lines = [_expression_line(person) for person in scene.people]
    height = round(36 * size) * len(lines)
    _plate(image, lines, 0, max(0, image.shape[0] - height - round(12 * size)), size)
    return image


class OverlayVideo:
    """Write a video of what was seen, at a constant rate whatever the frames' times are.

    A frame is repeated until the next one's time, and dropped where two fall together. Use as a context manager: what
    was written stays a valid file, also after an exception or Ctrl-C. Blocks for the encoder; not thread-safe.

    Args:
        path: .mp4 (MPEG-4), .avi (MJPEG) or .webm (VP8); an existing file is replaced at the first frame.
        fps: frames a second of the video; 15 is about what the loop does.
        free_bytes: tells the free space of a folder.

    Raises:
        OutputError: another suffix, or the folder is missing or may not be written; tell the person before starting.
    """

    def __init__(self, path: Path, fps: float = 15.0, free_bytes: Callable[[Path], int] | None = None) -> None:
        if path.suffix.lower() not in _CODECS:
            raise OutputError(
                f"{path} is no video file that can be written.", "Name a file that ends in .mp4, .avi or .webm."
            )
        _check_writable(path)
        self._path = path
        self._fps = fps
        self._free_bytes = free_bytes or (lambda folder: shutil.disk_usage(folder).free)
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._pending: ImageRgb | None = None
        self._start_s = 0.0
        self._written = 0

    def write(self, frame: Frame, scene: Scene) -> None:
        """Add one frame with what was seen in it.

        Raises:
            OutputError: the file cannot be created or the disk is nearly full; what was written before is kept. Go on
                without the video.
        """
        drawn = draw(frame.image_rgb, scene)
        if self._pending is None:
            self._start_s = frame.captured_at_s
        missing = self._slot(frame.captured_at_s) - self._written
        if missing > _LONGEST_GAP_S * self._fps:
            self._start_s += (missing - 1) / self._fps
            missing = 1
        for _ in range(missing):
            self._emit()
        self._pending = drawn

    def close(self) -> None:
        """Finish the file. May be called twice."""
        if self._writer is not None or self._pending is not None:
            try:
                self._emit()
            finally:
                self._release()
                self._pending = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; a full disk does not hide what ended the run."""
        try:
            self.close()
        except OutputError:
            if kind is None:
                raise

    def _slot(self, at_s: float) -> int:
        return math.floor((at_s - self._start_s) * self._fps + 0.5)

    def _emit(self) -> None:
        """Write the pending picture once."""
        if self._pending is None:
            return
        if self._written % _CHECK_EVERY == 0:
            self._check_space()
        if self._writer is None:
            self._writer = self._open(self._pending)
        image = self._pending
        if image.shape[1::-1] != self._size:  # a folder of pictures
            image = _fitted(image, self._size)
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        self._written += 1

    def _open(self, first: ImageRgb) -> cv2.VideoWriter:
        quieten_opencv()
        height, width = first.shape[:2]
        self._size = (max(2, width - width % 2), max(2, height - height % 2))  # the codecs want even sides
        fourcc = cv2.VideoWriter.fourcc(*_CODECS[self._path.suffix.lower()])
        with silent_stderr():
            writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, fourcc, self._fps, self._size)
        if not writer.isOpened():
            self._pending = None
            raise OutputError(
                f"The video {self._path} cannot be written with this OpenCV.",
                "Name another file ending in .avi, or install opencv-python-headless from PyPI.",
            )
        return writer

    def _check_space(self) -> None:
        if self._free_bytes(self._path.parent) >= _RESERVE_BYTES:
            return
        self._release()
        self._pending = None
        raise OutputError(
            f"The disk is full: the video {self._path} ends after {self._written / self._fps:.0f} s.",
            "Free some space or name a file on another disk.",
        )

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None


def _check_writable(path: Path) -> None:
    """Raise OutputError where a file cannot be made, without leaving one or emptying one."""
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise OutputError(
            f"The video {path} cannot be written: {error.strerror or error}.",
            "Name a file in a folder that exists and that you may write to.",
        ) from error
    if not existed:
        path.unlink()


def _fitted(image: ImageRgb, size: tuple[int, int]) -> ImageRgb:
    """Return a picture scaled into (width, height), in its own proportions, on black."""
    width, height = size
    factor = min(width / image.shape[1], height / image.shape[0])
    inner = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    scaled = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas


def _colour(face: Face) -> tuple[int, int, int]:
    return _COLOURS[face.track % len(_COLOURS)]


def _draw_box(image: ImageRgb, face: Face, size: float) -> None:
    left, top, right, bottom = (round(edge) for edge in face.box_xyxy)
    thickness = max(1, round(4 * size))
    cv2.rectangle(image, (left, top), (right, bottom), _colour(face), thickness)
    for x, y in face.landmarks_xy:
        cv2.circle(image, (round(float(x)), round(float(y))), max(1, round(4 * size)), _colour(face), -1)
    _plate(image, [(str(face.track), _colour(face))], left, top, size)


def _unit_lines(person: Person) -> list[tuple[str, tuple[int, int, int]]]:
    lines = [(f"person {person.face.track}", _colour(person.face))]
    for code, probability, present in zip(AU_ORDER, person.units.probability, person.units.present, strict=True):
        value = " --" if probability is None else f"{probability:.2f}"
        lines.append((f"{code} {value}", _WHITE if present else _DIM))
    return lines


def _expression_line(person: Person) -> tuple[str, tuple[int, int, int]]:
    shown = person.expression
    return f"{person.face.track} {shown.label} {shown.confidence:.2f}", _colour(person.face)


def _plate(image: ImageRgb, lines: Sequence[tuple[str, tuple[int, int, int]]], left: int, top: int, size: float) -> int:
    """Write lines on a dark plate, in place; return the plate's width."""
    if not lines:
        return 0
    step, pad = round(36 * size), round(10 * size)
    width = max(int(cv2.getTextSize(text, _FONT, size, 1)[0][0]) for text, _ in lines) + 2 * pad
    left, top = max(0, left), max(0, top)
    area: Any = image[top : top + step * len(lines) + pad, left : left + width]
    area[:] = area // 3
    for row, (text, colour) in enumerate(lines, 1):
        place = (left + pad, top + row * step - round(8 * size) + pad // 2)
        cv2.putText(image, text, place, _FONT, size, colour, 1, cv2.LINE_AA)
    return width
