"""Open cameras that are plugged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2

from assistant.camera.live import Capture
from assistant.camera.quiet import quieten_opencv
from assistant.errors import SourceError

_SEARCHED = 4  # indices from 0; a webcam takes two on Linux, of which one gives pictures


def open_device(device: int | str) -> Capture:
    """Open a camera by index or device path, keeping as few frames waiting in the driver as it allows.

    Raises:
        SourceError: it is missing, used by another program, or may not be read.
    """
    quieten_opencv()
    capture = cv2.VideoCapture(device)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"The camera {device} cannot be opened.",
            "Plug it in, close other programs that use it, and check that you may read it (Linux: group video); "
            "or name another source, such as --source demo.",
            "no_camera",
        )
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def find_devices(opener: Callable[[int], Capture] = open_device) -> Iterator[int]:
    """Yield the indices of cameras that open, one at a time, each released again."""
    for index in range(_SEARCHED):
        try:
            opener(index).release()
        except SourceError:
            continue
        yield index


def open_first_device(opener: Callable[[int], Capture] = open_device) -> Capture:
    """Open the first camera that opens.

    Raises:
        SourceError: there is none.
    """
    for index in find_devices(opener):
        return opener(index)
    raise SourceError(
        "No camera was found.",
        "Plug one in and check that you may read it (Linux: group video), or name another source: a video file, a "
        "folder of pictures, an http or rtsp address, or --source demo.",
        "no_camera",
    )
