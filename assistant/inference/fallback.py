"""Go on without an accelerator that fails, and with a fresh runtime where the processor's own fails."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy.typing as npt

from assistant.errors import BackendError, FacecueError
from assistant.types import TensorRunner, TensorSpec

MOST_RESTARTS: Final = 3
"""How often within `RESTARTS_OVER_S` the last runner is loaded anew before the failure is raised."""
RESTARTS_OVER_S: Final = 60.0

Opener = tuple[str, Callable[[], TensorRunner]]
"""A back end's name, and what loads the model on it."""


class FallbackRunner:
    """Run a model, and replace its runner when it fails: by the next back end, in the end by a fresh one of the last.

    The frame that met the failure is computed again, so that none is lost. Not thread-safe.

    Args:
        openers: back ends in the order they are tried. The first is called at once; when that fails the next is taken.
            The last is the one that always works; only it is ever opened twice.
        on_fallback: told the failure and the name of what goes on; once for each back end that is left for another.
        on_restart: told the failure of the last back end, which was loaded anew; nothing else has changed.
        now_s: tells monotonic seconds.

    Raises:
        FacecueError: none could load the model.
    """

    def __init__(
        self,
        openers: Sequence[Opener],
        on_fallback: Callable[[BackendError, str], None],
        on_restart: Callable[[BackendError], None] = lambda error: None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._openers = list(openers)
        self._on_fallback, self._on_restart, self._now_s = on_fallback, on_restart, now_s
        self._restarts_s: deque[float] = deque(maxlen=MOST_RESTARTS)
        try:
            self._runner = self._openers[0][1]()
        except BackendError as error:
            if len(self._openers) == 1:
                raise
            self._go_on(error)

    @property
    def backend(self) -> str:
        """Name of the back end that computes now."""
        return self._openers[0][0]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        return self._runner.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        return self._runner.outputs

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs, on another runner from a failure on.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the last runner failed again and again; nothing is left to fall back to.
        """
        while True:
            try:
                return self._runner.run(*arrays)
            except BackendError as error:
                if len(self._openers) > 1:
                    self._go_on(error)
                else:
                    self._restart(error)

    def _go_on(self, error: BackendError) -> None:
        """Take the next back end that loads the model, and tell it."""
        self._runner = self._next()
        self._on_fallback(error, self.backend)

    def _next(self) -> TensorRunner:
        while True:
            del self._openers[0]
            try:
                return self._openers[0][1]()
            except FacecueError:  # not installed, no device, or it does not take the model: told by the last, if at all
                if len(self._openers) == 1:
                    raise

    def _restart(self, error: BackendError) -> None:
        now_s = self._now_s()
        if len(self._restarts_s) == MOST_RESTARTS and now_s - self._restarts_s[0] < RESTARTS_OVER_S:
            raise BackendError(
                f"{error.cause} Loading it anew {MOST_RESTARTS} times did not help.",
                "Restart the device; if it happens again, run `facecue doctor`.",
                "source",
            ) from error
        self._restarts_s.append(now_s)
        self._runner = self._openers[0][1]()
        self._on_restart(error)
