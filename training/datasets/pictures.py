"""Read pictures and frames of clips, and say which file is damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from assistant.types import ImageRgb
from training.datasets.sample import DataError, Sample

SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
REMEDY: Final = "Restore or remove the file; --skip-bad leaves such pictures out."


def read_picture(path: Path) -> ImageRgb:
    """Return a picture as (H, W, 3) uint8 RGB, turned as its EXIF orientation asks.

    Raises:
        DataError: the file is missing, empty, truncated beyond reading, or no picture.
    """
    try:
        stored = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(f"The picture {path} cannot be read: {error.strerror}.", REMEDY) from error
    try:
        image = cv2.imdecode(stored, cv2.IMREAD_COLOR) if stored.size else None
    except (cv2.error, MemoryError):  # a damaged header may claim any size
        image = None
    if image is None:
        raise DataError(f"The picture {path} is damaged or of an unknown format.", REMEDY)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and the folders below, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def portraits(folder: Path, source: str, expected: str, person: Callable[[Path], str]) -> list[Sample]:
    """Return every .jpg picture of a flat folder as a sample without labels.

    Args:
        folder: where the pictures lie.
        source: name of the data set.
        expected: what the folder should hold, for the message.
        person: tells a person from a file.

    Raises:
        DataError: the folder or its pictures are missing.
    """
    pictures = sorted(need_folder(folder, expected).glob("*.jpg"))
    if not pictures:
        raise DataError(f"The folder {folder} holds no .jpg picture.", "Give the folder with the pictures.")
    return [
        Sample(
            name=f"{source}/{path.name}",
            part=source,
            person=f"{source}/{person(path)}",
            read=partial(read_picture, path),
            tight=False,
        )
        for path in pictures
    ]


def trailing_number(path: Path) -> int | None:
    """Return the number that a file's stem ends with, or None: frame 7 of "x_0007.jpg"."""
    digits = path.stem[len(path.stem.rstrip("0123456789")) :]
    return int(digits) if digits else None


class Clip:
    """Read frames of one clip by number, cheapest in rising order. Opened at the first read; not thread-safe.

    Args:
        path: any file that OpenCV can decode.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture: cv2.VideoCapture | None = None
        self._next = 0

    def read(self, number: int) -> ImageRgb:
        """Return a frame, counted from 0, as (H, W, 3) uint8 RGB.

        Raises:
            DataError: the clip cannot be opened or has no such frame.
        """
        if self._capture is None or number < self._next:
            self.close()
            self._capture = cv2.VideoCapture(str(self._path))
            self._next = 0
        while self._next < number and self._capture.grab():
            self._next += 1
        read, image = self._capture.read()
        if not read:
            raise DataError(f"The clip {self._path} has no frame {number} that can be read.", REMEDY)
        self._next += 1
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        """Release the file. May be called twice."""
        if self._capture is not None:
            self._capture.release()
        self._capture = None


def need_folder(folder: Path, holds: str) -> Path:
    """Return the folder, or say what it should have held.

    Raises:
        DataError: it is not there.
    """
    if not folder.is_dir():
        raise DataError(f"The folder {folder} is missing.", f"It should hold {holds}; see docs/data.md.")
    return folder
