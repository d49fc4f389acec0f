"""Say in plain lines how far a long task is and how long it will still take."""

from __future__ import annotations

from typing import Final

from assistant.clock import Clock

EVERY_S: Final = 10.0
"""Between two lines: often enough to see that it lives, seldom enough for a screen reader and a log."""


class Progress:
    """Count steps and print a line now and then.

    Args:
        what: name of the things counted, plural.
        total: how many there are.
        clock: tells the time.
    """

    def __init__(self, what: str, total: int, clock: Clock) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._start_s = self._said_s = clock.now_s()
        self._done = 0

    def step(self) -> None:
        """Count one; print when it is time, and at the end."""
        self._done += 1
        now_s = self._clock.now_s()
        if now_s - self._said_s < EVERY_S and self._done != self._total:
            return
        self._said_s = now_s
        left_s = (now_s - self._start_s) / self._done * (self._total - self._done)
        rest = f", about {duration(left_s)} left" if self._done < self._total else ""
        print(f"{self._done} of {self._total} {self._what}{rest}", flush=True)


def duration(seconds: float) -> str:
    """Return a time span in words: "40 s", "12 min", "3 h 5 min"."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
