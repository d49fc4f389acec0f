"""Keep the process that listens to the microphone, and take its numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final, cast

from assistant.errors import SpeechError
from assistant.speech import frames
from assistant.speech.ear_worker import HEARD, NUMBERS
from assistant.speech.worker import module_command, start_process

INSTALL: Final = 'pip install "facecue[courtesy]"'


class Ear:
    """Listen, in another process, until `close`; what it measures is told in a thread of this class.

    The process ends when Facecue does: it cannot write any more then. It is started once; where the microphone is lost
    the wearer is told, and nothing is held back any more.

    Args:
        tell: told probability of speech and loudness in dB of every moment.
        command: what listens, for tests.
    """

    def __init__(
        self,
        tell: Callable[[float, float], None],
        command: Sequence[str] = module_command("assistant.speech.ear_worker"),
    ) -> None:
        self._tell = tell
        self._trouble: SpeechError | None = None
        self._closed = False
        self._process = start_process(command)
        self._thread = threading.Thread(target=self._take, name="ear", daemon=True)
        self._thread.start()

    def trouble(self) -> SpeechError | None:
        """Return why nothing is heard any more, once."""
        trouble, self._trouble = self._trouble, None
        return trouble

    def close(self) -> None:
        """End the process. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            cast(BinaryIO, pipe).close()

    def _take(self) -> None:
        why = "its process ended unexpectedly"
        try:
            while (frame := frames.read_frame(cast(BinaryIO, self._process.stdout))) is not None:
                kind, payload = frame
                if kind == HEARD:
                    self._tell(*NUMBERS.unpack(payload))
                elif kind == frames.FAILED:
                    why = payload.decode("utf-8", "replace")
        except EOFError:
            pass
        if not self._closed:
            self._trouble = _error(why)


def _error(why: str) -> SpeechError:
    return SpeechError(
        f"The microphone cannot be used: {why}.",
        f"Run `{INSTALL}`, connect a microphone, or set speech.microphone to false.",
        "no_microphone",
    )
