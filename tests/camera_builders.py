"""Build clips, pictures, fake captures and an MJPEG server for the tests of the cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Step = Picture | None | Callable[[], None]

RED = (220, 30, 20)


def coloured(rgb: tuple[int, int, int] = RED, size: tuple[int, int] = (64, 48), seed: int = 0) -> Picture:
    """Return an RGB picture of one colour with a little noise; size is (width, height)."""
    noise = np.random.default_rng(seed).integers(-12, 13, (size[1], size[0], 3))
    return np.clip(np.array(rgb) + noise, 0, 255).astype(np.uint8)


def bgr(image_rgb: Picture) -> Picture:
    return np.ascontiguousarray(image_rgb[:, :, ::-1])


def write_picture(path: Path, image: npt.NDArray[Any]) -> Path:
    """Write an array in OpenCV's channel order; the suffix says the kind."""
    done, encoded = cv2.imencode(path.suffix, image)
    assert done
    path.write_bytes(encoded.tobytes())
    return path


def write_clip(path: Path, frames: int = 10, fps: float = 10.0, rgb: tuple[int, int, int] = RED) -> Path:
    codec = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (64, 48))
    for seed in range(frames):
        writer.write(bgr(coloured(rgb, seed=seed)))
    writer.release()
    return path


class SharedClock:
    """A clock that several threads may move."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now_s = 0.0

    def now_s(self) -> float:
        with self._lock:
            return self._now_s

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now_s += seconds


class FakeCapture:
    """Play a script: a picture is given (BGR, after 1/10 s of the clock), None fails, a function is called first.

    At the end it sets `drained` and waits for `end` or its release, as a camera with nothing new does.
    """

    def __init__(self, clock: SharedClock, script: Iterable[Step]) -> None:
        self._clock = clock
        self._script = iter(script)
        self._released = threading.Event()
        self.drained = threading.Event()

    def read(self) -> tuple[bool, Picture]:
        nothing = np.empty((0, 0, 3), np.uint8)
        for step in self._script:
            if callable(step):
                step()
                continue
            self._clock.advance(0.1)
            return (False, nothing) if step is None else (True, step)
        self.drained.set()
        self._released.wait(10.0)
        return False, nothing

    def end(self) -> None:
        """Let a waiting `read` fail."""
        self._released.set()

    def release(self) -> None:
        self._released.set()

    @property
    def released(self) -> bool:
        return self._released.is_set()


@contextmanager
def mjpeg_server(frames: int | None = None, rgb: tuple[int, int, int] = RED) -> Iterator[str]:
    """Serve pictures as multipart JPEG on 127.0.0.1, for ever or `frames` of them; yield the address."""
    jpegs = [cv2.imencode(".jpg", bgr(coloured(rgb, seed=seed)))[1].tobytes() for seed in range(5)]
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/video":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            sent = 0
            try:
                while not stopped.is_set() and (frames is None or sent < frames):
                    jpeg = jpegs[sent % len(jpegs)]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    sent += 1
            except OSError:
                pass  # the reader has gone

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join(5.0)
