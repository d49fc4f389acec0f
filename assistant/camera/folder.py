"""Play pictures: the files of a folder in natural order, or a single one."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from assistant.camera.pictures import is_picture, read_picture
from assistant.camera.recorded import RecordedCamera, Shot, Speed
from assistant.clock import Clock
from assistant.errors import SourceError
from assistant.types import ImageRgb

_log = logging.getLogger(__name__)
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".jp2", ".pgm", ".ppm")


class FolderCamera(RecordedCamera):
    """Play each picture of a folder as one frame; unreadable ones are skipped with a warning that names them.

    Args:
        path: a folder (its own pictures, not those of folders inside it) or one picture file.
        clock: the loop's clock.
        speed: see `RecordedCamera`.
        wait: see `RecordedCamera`.
        seconds_each: how long a picture is shown; 1 s leaves time to say what is in it.

    Raises:
        SourceError: the folder or file is missing or holds no readable picture; from the constructor where the names
            tell it, else from `frames`.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        speed: Speed = "real",
        wait: Callable[[float], object] | None = None,
        seconds_each: float = 1.0,
    ) -> None:
        self._path = path
        self._seconds_each = seconds_each
        self._files = list_pictures(path) if path.is_dir() else (path,)
        self._only = None if path.is_dir() else read_picture(path)  # says at once what is wrong with it
        super().__init__(str(path), self._each, clock, speed, wait)

    def _each(self) -> Iterator[Shot]:
        readable = 0

        def load(file: Path) -> ImageRgb | None:
            nonlocal readable
            try:
                image = read_picture(file) if self._only is None else self._only
            except SourceError as error:
                _log.warning("Skipped: %s", error.cause)
                return None
            readable += 1
            return image

        for number, file in enumerate(self._files):
            yield Shot(number * self._seconds_each, self._seconds_each, partial(load, file), str(file))
        if not readable:
            raise SourceError(
                f"Not one of the {len(self._files)} pictures in {self._path} can be read.",
                "Check that they open in a picture viewer; use JPEG, PNG, WebP, TIFF or BMP.",
            )


def list_pictures(folder: Path) -> tuple[Path, ...]:
    """Return the pictures of a folder in natural order (2.jpg before 10.jpg).

    Raises:
        SourceError: the folder cannot be read or holds none.
    """
    try:
        files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    except OSError as error:
        raise SourceError(
            f"The folder {folder} cannot be read: {error.strerror or error}.",
            "Name a folder that you have the right to read.",
        ) from error
    pictures = [file for file in files if file.suffix.lower() in _SUFFIXES or is_picture(file)]
    if not pictures:
        raise SourceError(
            f"The folder {folder} holds no pictures.", "Name a folder with JPEG, PNG, WebP, TIFF or BMP pictures."
        )
    return tuple(sorted(pictures, key=lambda file: _natural(file.name)))


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """Split a name into (text, number) pairs that sort as a person counts."""
    parts = re.split(r"(\d+)", name.casefold())
    numbers = [int(part) for part in parts[1::2]] + [-1]
    return (*zip(parts[::2], numbers, strict=True), (name, -1))
