"""Open cameras on the network: MJPEG over http(s), and rtsp."""

from __future__ import annotations

import re
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

import cv2

from assistant.camera.live import Capture
from assistant.camera.quiet import quieten_opencv
from assistant.errors import SourceError

PORTS: Final = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""Schemes that are read, with the port each means."""
_TIMEOUT_S: Final = 5.0  # a camera in the same house answers in well under one


def open_stream(address: str) -> Capture:
    """Open a stream; blocks for at most about ten seconds.

    Raises:
        SourceError: the address is wrong, nobody answers, or what answers is no video.
    """
    quieten_opencv()
    _knock(_split(address), without_password(address))
    timeout_ms = int(_TIMEOUT_S * 1000)
    options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"{without_password(address)} answers, but gives no video that can be read.",
            "Open the address in a browser or player to check it; if it wants a password, write "
            "http://USER:PASSWORD@HOST/PATH.",
            "no_video",
        )
    return capture


def without_password(address: str) -> str:
    """Return an address that may be shown: without user and password."""
    return re.sub(r"://[^/]*@", "://", address)


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        if parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass  # a port that is no number, or an unclosed bracket
    raise SourceError(
        f"{without_password(address)} is not a complete address.", "Write it like http://192.168.1.20:8080/video."
    )


def _knock(parts: SplitResult, shown: str) -> None:
    """Connect once, because OpenCV does not tell why an address fails."""
    try:
        socket.create_connection((parts.hostname or "", parts.port or PORTS[parts.scheme]), _TIMEOUT_S).close()
    except OSError as error:
        reason = {
            ConnectionRefusedError: "the connection is refused",
            TimeoutError: "nothing answers",
            socket.gaierror: "the name is not known",
        }.get(type(error), error.strerror or str(error))
        raise SourceError(
            f"{shown} cannot be reached: {reason}.",
            "Check that the camera is on, in the same network, and that host and port are right.",
            "no_answer",
        ) from error
