"""Run a program and look at it from outside: when it began, how much memory and processor time its processes took.

Memory is each process's own highest resident size (VmHWM), added up over the program and its children: pages that they
share count twice, so that the sum is never too small. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_EVERY_S: Final = 0.05
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Finished:
    """Hold what a program did.

    Attributes:
        status: its exit status.
        output: its standard output.
        errors: its standard error.
        began_s: when it was started, of `time.monotonic`.
        peak_mb: highest resident memory of its processes, summed; 1 MB is 1,000,000 bytes.
        cpu: (seconds since it began, processor seconds of its processes so far), every twentieth of a second.
    """

    status: int
    output: str
    errors: str
    began_s: float
    peak_mb: float
    cpu: tuple[tuple[float, float], ...]

    @property
    def complaint(self) -> str:
        """The last line of its standard error, for a reason."""
        return (self.errors.strip().splitlines() or [f"status {self.status}, no message"])[-1]

    def cpu_share(self, from_s: float, to_s: float) -> float:
        """Return how much of one core was in use between two times since it began.

        Raises:
            ValueError: it did not run that long.
        """
        span = [each for each in self.cpu if from_s <= each[0] <= to_s]
        if len(span) < 2:
            raise ValueError(f"nothing was seen between {from_s} s and {to_s} s")
        return (span[-1][1] - span[0][1]) / (span[-1][0] - span[0][0])


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Finished:
    """Run a program to its end."""
    peaks: dict[int, int] = {}
    seconds: dict[int, float] = {}
    cpu: list[tuple[float, float]] = []
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began_s = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=os.environ | (environment or {})
        )
        while process.poll() is None:
            for number in _family(process.pid):
                peaks[number] = max(peaks.get(number, 0), _peak_kib(number))
                seconds[number] = max(seconds.get(number, 0.0), _cpu_s(number))
            cpu.append((time.monotonic() - began_s, sum(seconds.values())))
            time.sleep(_EVERY_S)
        output.seek(0)
        errors.seek(0)
        peak_mb = sum(peaks.values()) * 1024 / 1e6
        return Finished(process.returncode, output.read(), errors.read(), began_s, peak_mb, tuple(cpu))


def _family(number: int) -> list[int]:
    """Return a process and its descendants."""
    found = [number]
    for each in found:
        for tasks in Path(f"/proc/{each}/task").glob("*/children"):
            found += [int(child) for child in _text(tasks).split()]
    return found


def _peak_kib(number: int) -> int:
    lines = _text(Path(f"/proc/{number}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _cpu_s(number: int) -> float:
    """Return user and system time; fields 14 and 15 of proc(5), counted after the name, which may hold blanks."""
    fields = _text(Path(f"/proc/{number}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S if len(fields) > 12 else 0.0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has just ended
        return ""
