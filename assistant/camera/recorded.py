"""Play what is recorded or made: each frame in turn, in real time or as fast as it is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from assistant.clock import Clock
from assistant.types import Frame, ImageRgb

Speed = Literal["real", "max"]


@dataclass(frozen=True, slots=True)
class Shot:
    """Hold where one picture of a recording lies in time, and how to get it.

    Attributes:
        at_s: seconds from the recording's start.
        lasts_s: seconds until the next one; a shot later than this is dropped in real time.
        load: returns the picture, or None where this one cannot be read.
        source: what the picture came from.
    """

    at_s: float
    lasts_s: float
    load: Callable[[], ImageRgb | None]
    source: str


class RecordedCamera:
    """Play shots. `frames` blocks the caller until the next is due; `close` may come from another thread.

    At "max" a thread loads the next picture while the caller looks at this one.

    Args:
        name: what is being read, for messages.
        shots: starts the recording; called once for every `frames()`.
        clock: the loop's clock.
        speed: "real": shots are waited for and dropped when late, times are the clock's. "max": every shot at once,
            times are the recording's own from 0.
        wait: waits for so many seconds; default: really, until closed.
        release: frees what the recording holds.
    """

    def __init__(
        self,
        name: str,
        shots: Callable[[], Iterator[Shot]],
        clock: Clock,
        speed: Speed = "real",
        wait: Callable[[float], object] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._shots = shots
        self._clock = clock
        self._speed = speed
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._release = release

    @property
    def name(self) -> str:
        """What is being read, for messages."""
        return self._name

    @property
    def live(self) -> bool:
        """False: a recording waits for nobody."""
        return False

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the recording ends or `close` is called.

        Raises:
            SourceError: nothing could be read; show it and end.
        """
        start_s: float | None = None
        shots = self._shots()
        for index, shot in enumerate(shots if self._speed == "real" else _loaded_ahead(shots)):
            captured_at_s = shot.at_s
            if self._speed == "real":
                if start_s is None:
                    start_s = self._clock.now_s() - shot.at_s
                captured_at_s += start_s
                late_s = self._clock.now_s() - captured_at_s
                if late_s > shot.lasts_s:
                    continue
                if late_s < 0:
                    self._wait(-late_s)
            if self._closed.is_set():
                return
            image = shot.load()
            if image is not None:
                yield Frame(index, captured_at_s, image, shot.source)

    def close(self) -> None:
        """End the recording and free what it holds. May be called twice and from another thread."""
        self._closed.set()
        if self._release is not None:
            self._release()


def _loaded_ahead(shots: Iterator[Shot]) -> Iterator[Shot]:
    """Yield shots whose pictures are there already; a thread gets each while the one before is used."""

    def load() -> Shot | None:
        shot = next(shots, None)
        if shot is None:
            return None
        image = shot.load()
        return replace(shot, load=lambda: image)

    with ThreadPoolExecutor(1, "load-ahead") as thread:
        waiting = thread.submit(load)
        while (shot := waiting.result()) is not None:
            waiting = thread.submit(load)
            yield shot
