"""Tell the time, so that nothing else asks the system and tests need not wait."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell monotonic time in seconds."""

    def now_s(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""
        ...


class SystemClock:
    """Tell real time, counted from the moment of construction."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        """Return seconds since construction."""
        return time.monotonic() - self._start_s


class ManualClock:
    """Tell the time it was last set to: a clip's own time with `--speed max`, or a test's.

    Not thread-safe: set and read it from one thread.
    """

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """Return the time last set."""
        return self._now_s

    def set(self, now_s: float) -> None:
        """Move to `now_s` seconds.

        Raises:
            ValueError: `now_s` lies in the past.
        """
        if now_s < self._now_s:
            raise ValueError(f"time cannot go back from {self._now_s} s to {now_s} s")
        self._now_s = now_s
