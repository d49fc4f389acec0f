"""Keep what was spoken in a WAV file, each utterance at the time it was spoken."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Final

import numpy as np

from assistant.errors import OutputError
from assistant.speech.stereo import Stereo, at_rate, panned
from assistant.types import Speech

_HEADER_BYTES: Final = 44
_FRAME_BYTES: Final = 4  # a sample for each ear
_LARGEST_BYTES: Final = 2**32 - 1024  # the format's sizes have 32 bits: 13 hours at 22,050 Hz


class WavMix:
    """Mix speech into one stereo 16-bit WAV file. Belongs to one thread; writes block as files do.

    The header is brought up to date after the samples of every utterance, so that the file is valid at any moment, even
    after a crash or on a full disk.

    Args:
        path: the file; an existing one is replaced.
        rate_hz: samples a second; espeak-ng's own, so that nothing is resampled by default.

    Raises:
        OutputError: the file cannot be written; tell the person.
    """

    def __init__(self, path: Path, rate_hz: int = 22_050) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._samples = 0
        try:
            self._file: io.FileIO = path.open("w+b", buffering=0)
        except OSError as error:
            raise self._error(error) from error
        try:
            self._write(0, _header(0, rate_hz))
        except OSError as error:
            self._file.close()
            raise self._error(error) from error

    def add(self, start_s: float, speech: Speech, pan: float = 0.0) -> None:
        """Mix in speech that began at `start_s`, seconds since the loop's start; overlaps add up and are clipped.

        Args:
            start_s: when it began.
            speech: mono.
            pan: where it was heard, -1 left to 1 right.

        Raises:
            OutputError: the disk is full or the file was taken away; what was written before stays valid.
        """
        new = panned(at_rate(speech, self._rate_hz), pan)
        start = max(round(start_s * self._rate_hz), 0)
        if _HEADER_BYTES + _FRAME_BYTES * (start + len(new)) > _LARGEST_BYTES:
            raise OutputError(f"{self._path} is as long as a WAV file can be.", "Name another file and start again.")
        try:
            mixed = np.clip(np.rint(self._read(start, len(new)) + new), -32_768, 32_767).astype("<i2")
            if start > self._samples:
                self._file.truncate(_HEADER_BYTES + _FRAME_BYTES * start)  # extends the file by silence
            self._write(_HEADER_BYTES + _FRAME_BYTES * start, mixed.tobytes())
            self._samples = max(self._samples, start + len(new))
            self._write(0, _header(self._samples, self._rate_hz))
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def _read(self, start: int, count: int) -> Stereo:
        """Return what the file holds there, with zeros beyond its end."""
        held = np.zeros((count, 2), np.float32)
        known = min(max(self._samples - start, 0), count)
        if known:
            self._file.seek(_HEADER_BYTES + _FRAME_BYTES * start)
            old = np.frombuffer(self._file.read(_FRAME_BYTES * known), "<i2").reshape(-1, 2)
            held[: len(old)] = old
        return held

    def _write(self, offset: int, data: bytes) -> None:
        self._file.seek(offset)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _error(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._path} cannot be written: {error.strerror or os.strerror(error.errno or 0)}.",
            "Choose another folder, or free some space.",
        )


def _header(samples: int, rate_hz: int) -> bytes:
    """Return the 44 bytes of a canonical RIFF/WAVE header: PCM, stereo, 16 bits."""
    size = _FRAME_BYTES * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, rate_hz),
        *(_FRAME_BYTES * rate_hz, _FRAME_BYTES, 16, b"data", size),
    )
