"""Choose the camera that a person names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from assistant.camera.clip import ClipCamera
from assistant.camera.demo import DemoCamera
from assistant.camera.device import open_device, open_first_device
from assistant.camera.folder import FolderCamera
from assistant.camera.live import LiveCamera, Patience, ignore_state
from assistant.camera.pictures import is_picture
from assistant.camera.recorded import Speed
from assistant.camera.stream import PORTS, open_stream, without_password
from assistant.clock import Clock
from assistant.errors import SourceError
from assistant.types import Camera

_KINDS: Final = (
    "a camera (0, 1, /dev/video0), a video file, a picture or a folder of pictures, an http, https or rtsp address, "
    "or demo"
)


def open_source(
    spec: str | None,
    clock: Clock,
    speed: Speed = "real",
    on_state: Callable[[str], None] = ignore_state,
    patience: Patience | None = None,
    wait: Callable[[float], object] | None = None,
) -> Camera:
    """Open what a person names. No socket is opened unless it is an address.

    Args:
        spec: None for the first camera that opens; an index or device path; a video file; a folder of pictures or one
            picture; an http(s) or rtsp address; "demo". A file called demo or 0 is named ./demo, ./0.
        clock: the loop's clock; the times of live frames and of recordings at speed "real".
        speed: of recordings; "max" gives every frame at once, with the recording's own times. Live sources ignore it.
        on_state: told "camera lost", "camera back", "camera black", "camera frozen" (`watch.STATES`) once each time,
            in the thread that takes the frames; live sources only.
        patience: how long a lost camera is waited for.
        wait: waits for so many seconds; for tests.

    Raises:
        SourceError: nothing can be read from it; show cause and remedy and end.
        DependencyError: the demo's photograph is not installed.
    """
    if spec is None:
        return LiveCamera("the first camera", open_first_device, clock, on_state, patience, wait)
    if spec == "demo":
        return DemoCamera(clock, speed, wait)
    if re.fullmatch(r"\d{1,3}", spec, re.ASCII) or spec.startswith("/dev/"):
        device = int(spec) if spec.isdigit() else spec
        return LiveCamera(f"camera {spec}", lambda: open_device(device), clock, on_state, patience, wait)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", spec)
    if scheme is not None:
        address = scheme[1].lower() + spec[scheme.end(1) :]
        _check_scheme(scheme[1].lower(), address)
        return LiveCamera(without_password(address), lambda: open_stream(address), clock, on_state, patience, wait)
    path = _existing(spec)
    if path.is_dir() or is_picture(path):
        return FolderCamera(path, clock, speed, wait)
    return ClipCamera(path, clock, speed, wait)


def _existing(spec: str) -> Path:
    """Return the file or folder that is named."""
    if not spec.strip():
        raise SourceError("The source is empty.", f"Name {_KINDS}.")
    try:
        path = Path(spec).expanduser()
        found = path.exists()
        plain = path.is_file() or path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # no right, too long, a zero byte, an unknown ~user
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{spec} cannot be reached: {reason}.", f"Check the path, or name {_KINDS}.") from error
    if not found:
        raise SourceError(f"There is no file or folder {path}.", _suggestion(path))
    if not plain:
        raise SourceError(f"{path} is neither a file nor a folder.", f"Name {_KINDS}.")
    return path


def _check_scheme(scheme: str, address: str) -> None:
    if scheme not in PORTS:
        raise SourceError(f"{without_password(address)}: {scheme} addresses are not read.", f"Name {_KINDS}.")


def _suggestion(path: Path) -> str:
    """Return the remedy for a path that does not exist, with the nearest name beside it."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"Check the folder {path.parent}, or name {_KINDS}."
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {path.parent / near[0]}?" if near else f"Check the spelling, or name {_KINDS}."
