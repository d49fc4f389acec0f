"""Play a video file."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import cv2

from assistant.camera.pictures import to_rgb
from assistant.camera.quiet import quieten_opencv
from assistant.camera.recorded import RecordedCamera, Shot, Speed
from assistant.clock import Clock
from assistant.errors import SourceError
from assistant.types import ImageRgb

_log = logging.getLogger(__name__)
_USUAL_FPS: Final = 25.0  # for files that do not say, or say nonsense
_CUT_SHORT: Final = 0.9  # of the promised frames; headers of sound clips promise up to 3 % too many


class ClipCamera(RecordedCamera):
    """Play a clip once; its times come from the file's own timestamps.

    Args:
        path: a video file that OpenCV's FFmpeg reads: mp4, avi, webm, mkv, mov, animated gif.
        clock: the loop's clock.
        speed: see `RecordedCamera`.
        wait: see `RecordedCamera`.

    Raises:
        SourceError: the file is missing, empty, not a video, or holds not one whole frame.
    """

    def __init__(
        self, path: Path, clock: Clock, speed: Speed = "real", wait: Callable[[float], object] | None = None
    ) -> None:
        clip = _Clip(path)
        super().__init__(str(path), clip.shots, clock, speed, wait, clip.release)


class _Clip:
    """Hold an open clip; the lock keeps `release` from freeing it while another thread decodes."""

    def __init__(self, path: Path) -> None:
        quieten_opencv()
        _check(path)
        self._path = path
        self._lock = threading.Lock()
        self._capture = cv2.VideoCapture(str(path))
        if not self._grab():
            self.release()
            raise SourceError(
                f"{path} is not a video that can be read, or was cut off before its first whole frame.",
                "Play it in a video player to check; copy it again, or convert it to mp4 (H.264) or webm.",
            )
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._lasts_s = 1.0 / (fps if math.isfinite(fps) and 0.1 <= fps <= 1000.0 else _USUAL_FPS)
        self._promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)

    def shots(self) -> Iterator[Shot]:
        """Yield what is left of the clip; a second call goes on where the first ended."""
        at_s = self._position_s()
        count = 0
        while True:
            count += 1
            yield Shot(at_s, self._lasts_s, self._load, str(self._path))
            if not self._grab():
                break
            told_s = self._position_s()
            at_s = told_s if told_s > at_s else at_s + self._lasts_s
        if self._capture.isOpened() and count < _CUT_SHORT * self._promised:
            _log.warning(
                "%s was cut short: it holds %d of %d frames. Copy it again if you need the rest.",
                self._path,
                count,
                self._promised,
            )

    def release(self) -> None:
        """Close the file."""
        with self._lock:
            self._capture.release()

    def _grab(self) -> bool:
        with self._lock:
            return self._capture.grab()

    def _position_s(self) -> float:
        with self._lock:
            return max(0.0, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)

    def _load(self) -> ImageRgb | None:
        with self._lock:
            decoded, image = self._capture.retrieve()
        return to_rgb(image) if decoded else None


def _check(path: Path) -> None:
    """Raise SourceError for what no decoder need try."""
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise SourceError(f"There is no clip {path}.", "Check the path and its spelling.") from error
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}.", "Name a video file that you have the right to read."
        ) from error
    if empty:
        raise SourceError(f"{path} is empty: it has 0 bytes.", "Copy the clip again.")
