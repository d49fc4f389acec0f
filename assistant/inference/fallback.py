"""Go on without an accelerator that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from assistant.errors import BackendError
from assistant.types import TensorRunner, TensorSpec


class FallbackRunner:
    """Run a model, and replace its runner once when its device fails. Not thread-safe.

    The frame that met the failure is computed again on the second runner, so that none is lost. A failure of the
    second runner is raised.

    Args:
        open_first: load the model on the chosen device. Called at once; when that fails the second is taken.
        open_second: load it where it always runs. Called only when it is needed.
        on_fallback: told the failure, once; tells the wearer.

    Raises:
        FacecueError: neither could load the model.
    """

    def __init__(
        self,
        open_first: Callable[[], TensorRunner],
        open_second: Callable[[], TensorRunner],
        on_fallback: Callable[[BackendError], None],
    ) -> None:
        self._open_second = open_second
        self._on_fallback = on_fallback
        self._degraded = False
        try:
            self._runner = open_first()
        except BackendError as error:
            self._degrade(error)

    @property
    def degraded(self) -> bool:
        """Whether the second runner has taken over."""
        return self._degraded

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        return self._runner.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        return self._runner.outputs

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs, on the second runner from the first failure on.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the second runner failed too; nothing is left to fall back to.
        """
        try:
            return self._runner.run(*arrays)
        except BackendError as error:
            if self._degraded:
                raise
            self._degrade(error)
            return self._runner.run(*arrays)

    def _degrade(self, error: BackendError) -> None:
        self._runner = self._open_second()
        self._degraded = True
        self._on_fallback(error)
