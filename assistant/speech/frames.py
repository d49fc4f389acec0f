"""Carry messages between Facecue and a voice's own process: one kind, one length, one payload each.

Standard library only, so that a voice process starts quickly.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

READY: Final = b"R"
"""Voice to Facecue: it can be asked now; the payload is empty."""
SPEAK: Final = b"S"
"""Facecue to voice: UTF-8 text to speak."""
LIST: Final = b"L"
"""Facecue to voice: name your voices."""
AUDIO: Final = b"A"
"""Voice to Facecue: the rate in Hz (4 bytes), then mono int16 little-endian samples."""
VOICES: Final = b"V"
"""Voice to Facecue: a JSON list of names."""
FAILED: Final = b"F"
"""Voice to Facecue: a UTF-8 sentence saying what went wrong; it can be asked again."""

RATE: Final = struct.Struct("!I")
_HEADER: Final = struct.Struct("!cI")
_LONGEST_BYTES: Final = 64 * 2**20  # 25 minutes of speech at 22,050 Hz: anything longer is a broken stream


class Voice(Protocol):
    """Speak inside a voice process. `VoiceError` is the only error it may answer with."""

    def speak(self, text: str) -> tuple[int, bytes]:
        """Return the rate in Hz and mono int16 little-endian samples."""
        ...

    def voices(self) -> list[str]:
        """Return the names that the voice option takes."""
        ...


class VoiceError(Exception):
    """Say why a voice cannot speak; the text goes to the person."""


def write_frame(stream: BinaryIO, kind: bytes, payload: bytes = b"") -> None:
    """Write one message and flush it.

    Raises:
        OSError: the other side is gone (`BrokenPipeError`); the caller restarts or ends.
    """
    stream.write(_HEADER.pack(kind, len(payload)) + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Read one message, blocking; return (kind, payload), or None where the other side ended properly.

    Raises:
        EOFError: the stream ends within a message, or is no stream of messages; the caller gives the process up.
    """
    header = stream.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        raise EOFError("the stream ends within a header")
    kind, size = _HEADER.unpack(header)
    if size > _LONGEST_BYTES:
        raise EOFError(f"a message of {size} bytes is no message")
    payload = stream.read(size)
    if len(payload) < size:
        raise EOFError(f"the stream ends {size - len(payload)} bytes early")
    return kind, payload


def serve_process(start: Callable[[], Voice]) -> int:
    """Be a voice's process: start the voice, answer requests from standard input until it ends; return exit status.

    Args:
        start: makes the voice; may raise `VoiceError`, which is reported.
    """
    replies = own_output()
    try:
        voice = start()
    except VoiceError as trouble:
        write_frame(replies, FAILED, str(trouble).encode())
        return 1
    serve(voice, sys.stdin.buffer, replies)
    return 0


def own_output() -> BinaryIO:
    """Return standard output for our messages alone; whatever else is printed goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def serve(voice: Voice, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests with a voice until the other side closes. Blocks; runs in the voice's process."""
    write_frame(replies, READY)
    while (frame := read_frame(requests)) is not None:
        kind, payload = frame
        try:
            if kind == LIST:
                write_frame(replies, VOICES, json.dumps(voice.voices()).encode())
            else:
                rate_hz, pcm = voice.speak(payload.decode("utf-8"))
                write_frame(replies, AUDIO, RATE.pack(rate_hz) + pcm)
        except VoiceError as trouble:
            write_frame(replies, FAILED, str(trouble).encode())
