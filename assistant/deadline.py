"""Call what may hang, and go on without it.

A native call that hangs cannot be killed within its process: its thread is left behind, and a fresh one takes the next
call. See docs/adr for the alternatives, and for what a hand-over costs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final, TypeVar, cast

T = TypeVar("T")

_GRACE_S: Final = 0.2  # a program that was stopped and goes on finds every deadline passed: so much more is waited


class HungError(Exception):
    """A call did not return in time; whatever it belongs to must not be used again."""


class Deadline:
    """Make calls in a thread of its own, each with a deadline. Not thread-safe.

    A thread that misses its deadline is abandoned with all that it holds; it ends by itself should its call return.

    Args:
        name: of the thread, for whoever looks at it from outside.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object] | None] | None = None
        self._answers: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()

    def call(self, function: Callable[[], T], seconds: float) -> T:
        """Return what the function returns, or raise what it raises.

        Raises:
            HungError: it took longer than `seconds` (and 0.2 s); call nothing of the same object again.
        """
        if self._calls is None:
            self._calls, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
            arguments = (self._calls, self._answers)
            threading.Thread(target=_serve, args=arguments, name=self._name, daemon=True).start()
        self._calls.put(function)
        try:
            result, error = self._answer(seconds)
        except queue.Empty:
            self.close()
            raise HungError(f"gave no answer within {seconds:g} s") from None
        if error is not None:
            raise error
        return cast(T, result)

    def close(self) -> None:
        """Let the thread end once its call has returned. May be called twice; `call` starts another."""
        if self._calls is not None:
            self._calls.put(None)
            self._calls = None

    def _answer(self, seconds: float) -> tuple[object, BaseException | None]:
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return self._answers.get(timeout=_GRACE_S)


def _serve(
    calls: queue.SimpleQueue[Callable[[], object] | None],
    answers: queue.SimpleQueue[tuple[object, BaseException | None]],
) -> None:
    """Make one call after another until told to end."""
    while (function := calls.get()) is not None:
        try:
            answers.put((function(), None))
        except BaseException as error:  # whatever it is, it belongs to the caller
            answers.put((None, error))
