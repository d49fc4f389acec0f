"""Read a camera that does not wait: keep the newest frame, drop the rest, and win a lost camera back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from assistant.camera.pictures import to_rgb
from assistant.camera.watch import BACK, LOST, Watch
from assistant.clock import Clock
from assistant.errors import SourceError
from assistant.types import Frame, ImageRgb

_MOST_DAMAGED = 10  # pictures in a row that are no pictures, before the camera is opened anew: a third of a second


class Capture(Protocol):
    """Give pictures: what `cv2.VideoCapture` offers and this module uses."""

    def read(self) -> tuple[bool, npt.NDArray[Any]]:
        """Wait for the next picture, BGR; False when there is none."""
        ...

    def release(self) -> None:
        """Free the device."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Say how long a lost camera is waited for.

    Attributes:
        retry_s: between two attempts to open it again.
        hung_s: without a sign of life for this long, the camera counts as lost although it reports no failure, and is
            opened anew in a fresh thread; above the second between frames of a very slow camera, and below the two
            after which the wearer must know.
        give_up_s: after this long the camera is given up; a minute is enough to find a cable by touch.
        poll_s: how often a waiting `frames()` looks at the clock.
    """

    retry_s: float = 1.0
    hung_s: float = 1.75
    give_up_s: float = 60.0
    poll_s: float = 0.25


def ignore_state(state: str) -> None:
    """Do nothing with a camera's state."""


class LiveCamera:
    """Read a device or stream in a thread of its own, which ends with `close`.

    A driver that hangs cannot be interrupted: its thread is left behind, and ends when the driver returns. `frames`
    blocks until the next frame; `on_state` is called from there, in the caller's thread, never from the capture thread.
    At most one frame is held.

    Args:
        name: what is being read, for messages.
        connect: opens the device; called again after it was lost. Raises SourceError when it cannot.
        clock: the loop's clock; read from the capture thread too.
        on_state: told each of `watch.STATES` once when it begins.
        patience: see `Patience`.
        pause: waits so many seconds between attempts; default: really, until closed.

    Raises:
        SourceError: the camera cannot be opened or gives no picture.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Capture],
        clock: Clock,
        on_state: Callable[[str], None] = ignore_state,
        patience: Patience | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._clock = clock
        self._on_state = on_state
        self._patience = patience or Patience()
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._lost = False
        self._failure: SourceError | None = None
        self._thread: threading.Thread | None = None
        self._abandoned = 0
        self._index = 0
        self._alive_s = self._clock.now_s()
        self._capture, first = self._open()
        self._hold(0, first)

    @property
    def name(self) -> str:
        """What is being read, for messages."""
        return self._name

    @property
    def live(self) -> bool:
        """True: time passes by itself."""
        return True

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time, until `close` is called.

        Raises:
            SourceError: the camera stayed lost for `Patience.give_up_s`; say so and end.
        """
        if self._thread is None:
            self._start_reading(self._capture)
        watch = Watch()
        told_lost = False
        seen_s = self._clock.now_s()
        while not self._closed.is_set():
            frame, lost = self._take()
            if frame is None:
                self._replace_what_hangs()
                silent_s = self._clock.now_s() - seen_s
                if (lost or silent_s >= self._patience.hung_s) and not told_lost:
                    told_lost = True
                    self._on_state(LOST)
                if silent_s >= self._patience.give_up_s:
                    raise self._gave_up()
                continue
            if told_lost:
                told_lost = False
                watch = Watch()
                self._on_state(BACK)
            state = watch.judge(frame.image_rgb, frame.captured_at_s)
            if state is not None:
                self._on_state(state)
            yield frame
            seen_s = self._clock.now_s()

    def close(self) -> None:
        """Stop the thread and release the device. May be called twice and from another thread."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is None:
            self._capture.release()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)  # a driver that hangs is left to the end of the process

    def _take(self) -> tuple[Frame | None, bool]:
        """Wait a little for a frame and take it; also return whether the camera is lost."""
        with self._changed:
            if self._newest is None and self._failure is None and not self._closed.is_set():
                self._changed.wait(self._patience.poll_s)
            if self._newest is None and self._failure is not None:
                raise self._failure
            frame, self._newest = self._newest, None
            return frame, self._lost

    def _start_reading(self, capture: Capture | None) -> None:
        """Start a capture thread; without a capture it begins by opening one."""
        self._alive_s = self._clock.now_s()
        self._thread = threading.Thread(target=self._read, args=(self._abandoned, capture), name="camera", daemon=True)
        self._thread.start()

    def _replace_what_hangs(self) -> None:
        """Leave a capture thread behind that shows no sign of life, each time twice as patiently."""
        if self._failure is None and self._clock.now_s() - self._alive_s >= self._patience.hung_s * 2**self._abandoned:
            self._abandoned += 1
            self._start_reading(None)

    def _hold(self, number: int, image_rgb: ImageRgb) -> None:
        """Hold a picture that capture thread `number` has read, unless that thread was left behind."""
        with self._changed:
            if number != self._abandoned:
                return
            self._alive_s = self._clock.now_s()
            self._newest = Frame(self._index, self._alive_s, image_rgb, self._name)
            self._index += 1
            self._lost = False
            self._changed.notify_all()

    def _reads(self, number: int) -> bool:
        """Tell whether a capture thread is still the one that counts."""
        return number == self._abandoned and not self._closed.is_set()

    def _read(self, number: int, capture: Capture | None) -> None:
        """Run capture thread `number`."""
        try:
            while self._reads(number):
                image = _picture(capture) if capture is not None else None
                if image is None and self._reads(number):
                    if capture is not None:
                        capture.release()
                    capture, image = self._win_back(number, at_once=capture is None)
                if image is None:
                    return
                self._hold(number, image)
        finally:
            if capture is not None:
                capture.release()

    def _win_back(self, number: int, at_once: bool) -> tuple[Capture | None, ImageRgb | None]:
        """Open the camera again and return it with its first picture; nothing when given up or closed."""
        lost_s = self._clock.now_s()
        with self._changed:
            self._lost = True
            self._changed.notify_all()
        while self._reads(number) and self._clock.now_s() - lost_s < self._patience.give_up_s:
            if not at_once:
                self._pause(self._patience.retry_s)
            at_once = False
            try:
                return self._open()
            except SourceError:
                self._alive_s = self._clock.now_s()
        if self._reads(number):
            with self._changed:
                self._failure = self._gave_up()
                self._changed.notify_all()
        return None, None

    def _open(self) -> tuple[Capture, ImageRgb]:
        capture = self._connect()
        image = _picture(capture)
        if image is None:
            capture.release()
            raise SourceError(
                f"{self._name} opens but gives no picture.",
                "Close other programs that use the camera, unplug it and plug it in again.",
                "no_picture",
            )
        return capture, image

    def _gave_up(self) -> SourceError:
        return SourceError(
            f"{self._name} was lost and did not come back within {self._patience.give_up_s:.0f} s.",
            "Check its cable or network and start again.",
            "camera_lost",
        )


def _picture(capture: Capture) -> ImageRgb | None:
    """Return the next picture, or None when the camera has none; up to ten damaged ones in a row are passed over."""
    for _ in range(_MOST_DAMAGED):
        try:
            given, image = capture.read()
            if not given:
                return None
            if isinstance(image, np.ndarray) and image.size and image.ndim in (2, 3):
                return to_rgb(image)
        except (cv2.error, ValueError, IndexError):  # a frame that came damaged over a loose cable
            continue
    return None
