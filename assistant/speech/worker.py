"""Keep a voice in a process of its own, that can be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from assistant.errors import SpeechError
from assistant.speech import frames
from assistant.types import Speech

_ROOT = Path(__file__).resolve().parents[2]


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs one of our modules with this Python."""
    return (sys.executable, "-m", module, *arguments)


def start_process(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process of ours with pipes, in a session of its own, so that Ctrl-C reaches only Facecue.

    Raises:
        OSError: it cannot be started.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C on POSIX
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Ctrl-C on Windows
    )


class _LostError(Exception):
    """The process hung or died; a new one may do better."""


class VoiceProcess:
    """Ask a voice in another process, and replace the process once where it hangs or dies.

    A voice engine is native code: it may hang, crash or end its process, and espeak-ng is GPL-3. Apart from us it can
    do none of this harm. The process has a session of its own, so that Ctrl-C reaches only Facecue, and ends when its
    standard input does.

    One thread reads the answers; the methods block up to the timeouts and belong to one thread.

    Args:
        name: of the voice engine, for messages.
        command: what to run; it speaks `assistant.speech.frames` on standard input and output.
        timeout_s: longest wait for one answer. espeak-ng takes 2 ms, and up to 40 ms on a busy machine.
        start_timeout_s: longest wait for the first process to be ready: 0.2 s is usual, a cold SD card takes seconds.
        recover_s: longest time that one question may take, a restart included: the loop waits meanwhile. A new process
            that is not ready by then is asked again by the next question.

    Raises:
        SpeechError: the process cannot be started; the caller tries another voice.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        timeout_s: float = 0.6,
        start_timeout_s: float = 10.0,
        recover_s: float = 1.9,
    ) -> None:
        self._name = name
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._recover_s = recover_s
        self._started_s, self._ready = 0.0, False
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._answers: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        try:
            self._get_ready(time.monotonic() + start_timeout_s)
        except _LostError as lost:
            self.close()
            raise self._error(str(lost)) from lost
        except SpeechError:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """Process id, or None while there is none."""
        return None if self._process is None else self._process.pid

    def ask(self, kind: bytes, payload: bytes = b"") -> bytes:
        """Return the answer's payload.

        Raises:
            SpeechError: the voice refused, or hung or died twice in a row; the caller falls back.
        """
        end_s = time.monotonic() + self._recover_s
        for last in (False, True):
            try:
                self._get_ready(end_s)
                return self._ask_once(kind, payload, min(self._timeout_s, max(end_s - time.monotonic(), 0.0)))
            except _LostError as lost:
                starting = not self._ready and time.monotonic() - self._started_s < self._start_timeout_s
                if starting and self._alive():
                    raise self._error("it is still starting") from lost
                self.close()
                if last:
                    raise self._error(f"{lost}, twice in a row") from lost
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Kill the process and collect what is left of it. May be called twice; `ask` starts it again."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._reader is not None:
            self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):  # unsent bytes to a process that is gone
                cast(BinaryIO, pipe).close()
        self._process = None
        self._ready = False

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _get_ready(self, end_s: float) -> None:
        """Start the process where there is none, and wait until it is ready or `time.monotonic()` is `end_s`."""
        if self._process is None:
            self._start()
        if not self._ready:
            self._answer(max(end_s - time.monotonic(), 0.0))
            self._ready = True

    def _start(self) -> None:
        try:
            self._process = start_process(self._command)
        except OSError as error:
            raise _LostError(f"cannot be started ({error.strerror})") from error
        self._answers = queue.SimpleQueue()
        self._reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._answers), name=f"{self._name}-reader", daemon=True
        )
        self._reader.start()
        self._started_s, self._ready = time.monotonic(), False

    def _ask_once(self, kind: bytes, payload: bytes, timeout_s: float) -> bytes:
        assert self._process is not None  # `_get_ready` started it
        try:
            frames.write_frame(cast(BinaryIO, self._process.stdin), kind, payload)
        except OSError as error:
            raise _LostError("ended unexpectedly") from error
        return self._answer(timeout_s)

    def _answer(self, timeout_s: float) -> bytes:
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise _LostError(f"gave no answer within {timeout_s:.1g} s") from None
        if answer is None:
            raise _LostError("ended unexpectedly")
        kind, payload = answer
        if kind == frames.FAILED:
            raise self._error(payload.decode("utf-8", "replace"))
        return payload

    def _error(self, what: str) -> SpeechError:
        return SpeechError(
            f"The voice {self._name} cannot be used: {what}.",
            "Run `facecue doctor` to see which voices work here.",
        )


class ProcessSynthesiser:
    """Turn text into speech with a voice in a process of its own; what the engines have in common.

    Args:
        process: speaks as `assistant.speech.frames.serve` does.
    """

    def __init__(self, process: VoiceProcess) -> None:
        self._process = process

    def synthesise(self, text: str) -> Speech:
        """Return the whole utterance, mono int16 at the voice's own rate.

        Raises:
            SpeechError: the voice hung or died, also after one restart.
        """
        return speech_from(self._process.ask(frames.SPEAK, text.encode("utf-8", "replace")))

    def voices(self) -> list[str]:
        """Return the names that the engine's voices go by."""
        names: list[str] = json.loads(self._process.ask(frames.LIST))
        return names

    def close(self) -> None:
        """End the voice's process. May be called twice."""
        self._process.close()


def speech_from(payload: bytes) -> Speech:
    """Decode an AUDIO payload into mono int16."""
    (rate_hz,) = frames.RATE.unpack_from(payload)
    pcm = np.frombuffer(payload, dtype="<i2", offset=frames.RATE.size).astype(np.int16)
    return Speech(pcm, rate_hz)


def _read(stream: BinaryIO, answers: queue.SimpleQueue[tuple[bytes, bytes] | None]) -> None:
    try:
        while (frame := frames.read_frame(stream)) is not None:
            answers.put(frame)
    except EOFError:
        pass  # cut off within a message: the process was killed or broke; told below like any end
    answers.put(None)
