"""Time models on back ends, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant.errors import FacecueError
from assistant.inference.discover import Backend
from assistant.types import TensorRunner

_WARM_UP: Final = 3
_ROUNDS: Final = 15
_LEAST_ROUNDS: Final = 5
_ENOUGH_S: Final = 0.05  # of a model's own time: one of 0.3 ms is over too soon in 15 runs to be told from another
_BUDGET_S: Final = 1.0  # once this has passed, `_LEAST_ROUNDS` are enough
_HOPELESS: Final = 1.5  # a back end slower than the model's best by this factor leaves after `_LEAST_ROUNDS`

_Key = tuple[str, str]  # back end, model


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold what was measured of one back end with one model.

    Attributes:
        backend: its name.
        model_name: as in the manifest.
        ms: milliseconds a face takes, or None where it could not be measured.
        problem: why it could not, with the install line; "" where it could.
    """

    backend: str
    model_name: str
    ms: float | None
    problem: str = ""


def measure(
    paths: Mapping[str, Path],
    looks: Mapping[str, int],
    backends: Sequence[Backend],
    threads: int,
    timer: Callable[[], float],
    rounds: int = _ROUNDS,
    budget_s: float = _BUDGET_S,
) -> tuple[Candidate, ...]:
    """Time every usable back end on every model, taking turns, so that what else the device does meets all alike.

    Each comes to caches that others have just used, as it does in a run, where faces are looked for between.

    The time given is the lower quartile: other programs only ever add to a time, so that a low quantile tells back
    ends apart more steadily than the mean or the median, and is not the luck of one run as the minimum is.

    Args:
        paths: model files by the model's name.
        looks: number of inferences that one face takes, likewise.
        backends: usable or not; one that fails is reported, not raised.
        threads: given to the back ends.
        timer: tells seconds.
        rounds: faces for each, at least; 15 tell differences of 5 % apart on a quiet device, and models of a few
            milliseconds or less go on until they have run for 50.
        budget_s: no round but the first five is begun after this.
    """
    runners: dict[_Key, TensorRunner] = {}
    problems: dict[_Key, str] = {}
    for name, path in paths.items():
        for backend in backends:
            try:
                if backend.problem:
                    problems[backend.name, name] = backend.problem
                else:
                    runners[backend.name, name] = _warm(backend.open(path, threads))
            except FacecueError as error:
                problems[backend.name, name] = str(error)
    times = _take_turns(runners, problems, timer, looks, rounds, budget_s)
    timed = [Candidate(*key, round(1000 * float(np.quantile(seconds, 0.25)), 3)) for key, seconds in times.items()]
    return (*timed, *(Candidate(*key, None, problem) for key, problem in problems.items()))


def _warm(runner: TensorRunner) -> TensorRunner:
    for _ in range(_WARM_UP):
        runner.run(*_zeros(runner))
    return runner


def _take_turns(
    runners: Mapping[_Key, TensorRunner],
    problems: dict[_Key, str],
    timer: Callable[[], float],
    looks: Mapping[str, int],
    rounds: int,
    budget_s: float,
) -> dict[_Key, list[float]]:
    """Return the seconds of each face; drop hopeless back ends, and failing ones into `problems`."""
    times: dict[_Key, list[float]] = {key: [] for key in runners}
    inputs = {key: _zeros(runner) for key, runner in runners.items()}
    racing, start = list(runners), timer()
    for done in itertools.count():
        if done >= _LEAST_ROUNDS:
            racing = [key for key in racing if min(times[key]) <= _HOPELESS * _best(times, key[1])]
        if done >= rounds:
            racing = [key for key in racing if sum(times[key]) < _ENOUGH_S]
        if not racing or (done >= _LEAST_ROUNDS and timer() - start > budget_s):
            break
        for key in tuple(racing):
            before = timer()
            try:
                for _ in range(looks[key[1]]):
                    runners[key].run(*inputs[key])
            except FacecueError as error:
                problems[key] = str(error)
                racing.remove(key)
                del times[key]
            else:
                times[key].append(timer() - before)
    return times


def _best(times: Mapping[_Key, list[float]], model_name: str) -> float:
    return min(min(seconds) for (_, name), seconds in times.items() if name == model_name)


def _zeros(runner: TensorRunner) -> list[Any]:
    return [np.zeros(spec.shape, spec.dtype) for spec in runner.inputs]
