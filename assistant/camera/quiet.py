"""Keep OpenCV and its codecs from writing on the standard error stream, where only our own sentences belong."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import cv2

_STDERR: Final = 2
_lock = threading.Lock()


def quieten_opencv() -> None:
    """Turn off OpenCV's and FFmpeg's messages for this process, unless the environment asks for them."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when the first clip is opened
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for a moment: libpng, libjpeg and the webm writer know no other switch.

    Holds for the whole process, so keep the body short. Blocks while another thread is inside.
    """
    with _lock:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # there is no standard error, as in a windowed program
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STDERR)
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(nowhere)
            os.close(kept)
