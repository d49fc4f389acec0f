"""Write down every utterance that was spoken, and every one that was kept back with the reason."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from assistant.errors import OutputError
from assistant.types import Utterance

_SAME_AGAIN_S: Final = 2.0  # the same words held back for the same reason are one event, unless they paused so long


class Repeats:
    """Tell what is held back anew from what is held back still: policy and speaker say so every frame."""

    def __init__(self) -> None:
        self._last_s: dict[tuple[int, str, str], float] = {}

    def new(self, utterance: Utterance, reason: str, time_s: float) -> bool:
        """Tell whether the same words for the same face and reason were not held back within the last two seconds."""
        key = (utterance.track, utterance.text, reason)
        last_s = self._last_s.get(key)
        self._last_s[key] = time_s
        if last_s is not None and time_s - last_s < _SAME_AGAIN_S:
            return False
        self._last_s = {each: at for each, at in self._last_s.items() if time_s - at < _SAME_AGAIN_S}
        return True


class Transcript:
    """Write JSON lines with the keys `time_s text spoken reason priority track evidence`.

    Each line is written at once and whole: the file is valid at any moment. Belongs to one thread.

    Args:
        path: the file; an existing one is replaced.

    Raises:
        OutputError: the file cannot be written; tell the person.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0
        self._repeats = Repeats()
        try:
            self._file: io.FileIO = path.open("wb", buffering=0)
        except OSError as error:
            raise self._error(error) from error

    def spoken(self, utterance: Utterance, start_s: float) -> None:
        """Write words that began at `start_s`; the reason is why they were worth saying.

        Raises:
            OutputError: the disk is full; the lines before stay valid.
        """
        self._write(utterance, start_s, spoken=True, reason=utterance.reason)

    def suppressed(self, utterance: Utterance, reason: str, time_s: float) -> None:
        """Write words that were kept back; the reason is why, such as "rate limit", "expired" or "not settled".

        May be called every frame: the same words for the same face and reason are written when that begins.

        Raises:
            OutputError: the disk is full; the lines before stay valid.
        """
        if self._repeats.new(utterance, reason, time_s):
            self._write(utterance, time_s, spoken=False, reason=reason)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def _write(self, utterance: Utterance, time_s: float, spoken: bool, reason: str) -> None:
        row = {
            "time_s": round(time_s, 3),
            "text": utterance.shown,
            "spoken": spoken,
            "reason": reason,
            "priority": utterance.priority.name.lower(),
            "track": utterance.track,
            "evidence": _plain(utterance.evidence),
        }
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8")
        try:
            if self._file.write(line) != len(line):
                raise OSError(28, os.strerror(28))  # ENOSPC: part of the line found no room
        except OSError as error:
            self._cut_back()
            raise self._error(error) from error
        self._size += len(line)

    def _cut_back(self) -> None:
        """Take back a part of a line that was written, so that what is there stays valid."""
        with contextlib.suppress(OSError):  # a device without size, such as /dev/full: nothing was kept there anyway
            self._file.truncate(self._size)

    def _error(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._path} cannot be written: {error.strerror}.", "Choose another folder, or free some space."
        )


def _plain(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Round numbers to three places, NumPy's too, as JSON knows them."""
    return {key: round(float(value), 3) if hasattr(value, "__float__") else value for key, value in evidence.items()}
