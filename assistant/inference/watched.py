"""Give every inference a deadline, so that a runtime that hangs is a runtime that failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy.typing as npt

from assistant.deadline import Deadline, HungError
from assistant.errors import BackendError
from assistant.types import TensorRunner, TensorSpec

T = TypeVar("T")


class WatchedRunner:
    """Run a model in a thread of its own. Not thread-safe.

    After the first `BackendError` that tells of a hang this runner is done for: its thread still holds the model.

    Args:
        name: of the back end, for messages.
        open_runner: loads the model; called in that thread.
        run_s: longest time one inference may take. 1 s is 60 times what the slower model takes here, so that a machine
            ten times slower for a while is slow, not hung.
        open_s: longest time loading may take.

    Raises:
        FacecueError: as `open_runner` does; BackendError where it hangs.
    """

    def __init__(
        self, name: str, open_runner: Callable[[], TensorRunner], run_s: float = 1.0, open_s: float = 20.0
    ) -> None:
        self._name, self._run_s = name, run_s
        self._deadline = Deadline(f"sight-{name}")
        self._runner = self._call(open_runner, open_s)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Describe the inputs, in the order `run` takes them."""
        return self._runner.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Describe the outputs, in the order `run` returns them."""
        return self._runner.outputs

    def run(self, *arrays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """Compute the outputs, within the deadline.

        Raises:
            ValueError: an array's shape or dtype is not the input's.
            BackendError: the device failed or hangs; the caller falls back.
        """
        return self._call(lambda: self._runner.run(*arrays), self._run_s)

    def close(self) -> None:
        """Let the thread end."""
        self._deadline.close()

    def _call(self, function: Callable[[], T], seconds: float) -> T:
        try:
            return self._deadline.call(function, seconds)
        except HungError as hung:
            raise BackendError(
                f"The back end {self._name} {hung}.", "Restart Facecue; if it happens again, choose another --backend."
            ) from hung
