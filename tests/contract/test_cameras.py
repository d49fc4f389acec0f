"""Hold every kind of camera to the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from assistant.camera.live import LiveCamera
from assistant.camera.sources import open_source
from assistant.types import Camera
from tests.camera_builders import (
    FakeCapture,
    SharedClock,
    bgr,
    coloured,
    mjpeg_server,
    write_clip,
    write_picture,
)


@dataclass(frozen=True)
class Kind:
    """One kind of camera: how to open it, and what is known of what it shows."""

    open: Callable[[Path, SharedClock, str], object]
    live: bool
    red: bool = True


def _clip(suffix: str) -> Callable[[Path, SharedClock, str], object]:
    def opened(folder: Path, clock: SharedClock, speed: str) -> object:
        path = write_clip(folder / f"clip{suffix}")
        return nullcontext(open_source(str(path), clock, speed, wait=clock.advance))  # type: ignore[arg-type]

    return opened


def _folder(folder: Path, clock: SharedClock, speed: str) -> object:
    for number in (10, 2, 1):
        write_picture(folder / f"face{number}.png", bgr(coloured(seed=number)))
    return nullcontext(open_source(str(folder), clock, speed, wait=clock.advance))  # type: ignore[arg-type]


def _picture(folder: Path, clock: SharedClock, speed: str) -> object:
    path = write_picture(folder / "face.jpg", bgr(coloured()))
    return nullcontext(open_source(str(path), clock, speed, wait=clock.advance))  # type: ignore[arg-type]


def _demo(folder: Path, clock: SharedClock, speed: str) -> object:
    pytest.importorskip("skimage", reason="the demo's photograph comes with scikit-image")
    return nullcontext(open_source("demo", clock, speed, wait=clock.advance))  # type: ignore[arg-type]


def _device(folder: Path, clock: SharedClock, speed: str) -> object:
    pictures = cycle(bgr(coloured(seed=seed)) for seed in range(7))
    return nullcontext(LiveCamera("camera 0", lambda: FakeCapture(clock, pictures), clock))


@contextmanager
def _stream(folder: Path, clock: SharedClock, speed: str) -> Iterator[Camera]:
    with mjpeg_server() as address:
        yield open_source(address, clock)


KINDS = {
    "clip-avi": Kind(_clip(".avi"), live=False),
    "clip-mp4": Kind(_clip(".mp4"), live=False),
    "folder": Kind(_folder, live=False),
    "picture": Kind(_picture, live=False),
    "demo": Kind(_demo, live=False, red=False),
    "device": Kind(_device, live=True),
    "stream": Kind(_stream, live=True),
}


@pytest.fixture(params=[(name, speed) for name in KINDS for speed in ("real", "max")], ids="-".join)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Camera, Kind]]:
    name, speed = request.param
    with KINDS[name].open(tmp_path, SharedClock(), speed) as camera:  # type: ignore[attr-defined]
        yield camera, KINDS[name]
        camera.close()


def test_frames_are_rgb_uint8_and_in_order(opened: tuple[Camera, Kind]) -> None:
    camera, kind = opened
    frames = list(islice(camera.frames(), 8))
    assert frames
    assert camera.live is kind.live
    assert all(frame.image_rgb.dtype == np.uint8 and frame.image_rgb.shape[2:] == (3,) for frame in frames)
    assert all(frame.source for frame in frames)
    indices = [frame.index for frame in frames]
    times = [frame.captured_at_s for frame in frames]
    assert indices == sorted(set(indices))
    assert indices[0] >= 0
    assert times == sorted(times)


def test_colours_are_red_green_blue(opened: tuple[Camera, Kind]) -> None:
    camera, kind = opened
    if not kind.red:
        pytest.skip("shows something else")
    red, green, blue = next(iter(camera.frames())).image_rgb.reshape(-1, 3).mean(0)
    assert red > 190
    assert green < 80
    assert blue < 80


def test_names_what_it_reads(opened: tuple[Camera, Kind]) -> None:
    assert opened[0].name


def test_ends_after_close(opened: tuple[Camera, Kind]) -> None:
    camera, _ = opened
    frames = camera.frames()
    next(frames)
    camera.close()
    camera.close()
    assert list(frames) == []


def test_close_from_another_thread_ends_the_frames(opened: tuple[Camera, Kind]) -> None:
    camera, _ = opened
    frames = camera.frames()
    next(frames)
    closer = threading.Thread(target=camera.close)
    closer.start()
    for _ in frames:
        pass
    closer.join(10.0)
    assert not closer.is_alive()


def test_closes_unused(opened: tuple[Camera, Kind]) -> None:
    opened[0].close()
