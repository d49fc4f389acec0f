"""Keep what is known of a run's health: who is alive, what it runs on, what went wrong and what to do about it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from assistant.clock import Clock

BUDGETS_S: Final[Mapping[str, float]] = {"camera": 2.0, "loop": 2.0, "sight": 1.25, "voice": 2.0, "sound": 2.0}
"""Longest time each stage may go without a sign of life. What is still, but not asked for anything, is not late."""

State = Literal["not started", "working", "late", "lost", "replaced", "given up"]

_KEPT_PROBLEMS: Final = 20  # a page can show them, and a day of a loose cable does not fill memory
_FPS_OVER: Final = 60  # frames: two to four seconds


@dataclass(frozen=True, slots=True)
class Problem:
    """Hold one thing that went wrong.

    Attributes:
        time_s: when it began, seconds of the run's clock.
        stage: one of `BUDGETS_S`, or "output", "power".
        message: what went wrong, a sentence.
        remedy: what a person can do about it, or "".
        over_s: when it was over; None while it lasts.
    """

    time_s: float
    stage: str
    message: str
    remedy: str
    over_s: float | None = None


@dataclass(frozen=True, slots=True)
class StageHealth:
    """Hold what is known of one stage.

    Attributes:
        state: "late" when its budget is spent, "replaced" when something else does its work.
        quiet_s: seconds since its last sign of life; None before the first.
        budget_s: longest time it may be quiet while it works.
        restarts: how often it was started again or replaced.
    """

    state: State
    quiet_s: float | None
    budget_s: float
    restarts: int


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Hold a moment's health, for a page, a test or the printed report.

    Attributes:
        running_s: seconds since the start.
        camera: name of what is looked through, or "".
        sound: name of the sound output, "none" where there is none.
        voice: name of the voice, "text" where there is none.
        model: name of the Action Unit model.
        backend: what computes it now.
        fps: frames a second over the last frames; None before the second, and once they stop coming.
        pace: how the load is met: "full", "smaller" pictures, or "slower".
        paused: whether the wearer wants nothing said unasked now.
        battery_percent: charge, where the device tells it.
        temperature_c: of the processor, where the device tells it.
        stages: by name, as in `BUDGETS_S`.
        problems: the last twenty, newest first.
    """

    running_s: float
    camera: str
    sound: str
    voice: str
    model: str
    backend: str
    fps: float | None
    pace: str
    paused: bool
    battery_percent: float | None
    temperature_c: float | None
    stages: Mapping[str, StageHealth]
    problems: tuple[Problem, ...]

    @property
    def well(self) -> bool:
        """Whether every stage that has started works and no problem lasts."""
        states = {stage.state for stage in self.stages.values()}
        return states <= {"not started", "working"} and all(problem.over_s is not None for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """Return the same in what JSON has."""
        return asdict(self) | {"well": self.well}


@dataclass(slots=True)
class _Stage:
    state: State = "not started"
    beat_s: float | None = None
    restarts: int = 0


class Health:
    """Take in signs of life and problems; give them out as one frozen report.

    Any thread may call any method: the loop writes, a page reads. Nothing here restarts anything.

    Args:
        clock: the run's.
        battery: tells the charge in percent, None where unknown.
        temperature: tells the processor's temperature in degrees Celsius, None where unknown.
    """

    def __init__(
        self,
        clock: Clock,
        battery: Callable[[], float | None] = lambda: None,
        temperature: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._clock, self._battery, self._temperature = clock, battery, temperature
        self._lock = threading.Lock()
        self._start_s = clock.now_s()
        self._stages = {name: _Stage() for name in BUDGETS_S}
        self._names = dict.fromkeys(("camera", "sound", "voice", "model", "backend"), "")
        self._pace = "full"
        self._paused = False
        self._problems: deque[Problem] = deque(maxlen=_KEPT_PROBLEMS)
        self._frames_s: deque[float] = deque(maxlen=_FPS_OVER)

    def name(self, **names: str) -> None:
        """Set what is used now: any of `camera`, `sound`, `voice`, `model`, `backend`."""
        with self._lock:
            unknown = names.keys() - self._names.keys()
            if unknown:
                raise ValueError(f"health knows no {', '.join(sorted(unknown))}")
            self._names |= names

    def beat(self, stage: str) -> None:
        """Note that a stage has just done its work; a beat of "loop" is a frame."""
        now_s = self._clock.now_s()
        with self._lock:
            entry = self._stages[stage]
            entry.beat_s = now_s
            if entry.state in ("not started", "late"):
                entry.state = "working"
            if stage == "loop":
                self._frames_s.append(now_s)

    def rest(self, stage: str) -> None:
        """Note that a stage has nothing to do now, so that its silence is no sign of anything."""
        with self._lock:
            self._stages[stage].beat_s = None

    def set_pace(self, pace: str) -> None:
        """Note how the load is met."""
        with self._lock:
            self._pace = pace

    def pause(self, on: bool) -> None:
        """Note whether the wearer has paused."""
        with self._lock:
            self._paused = on

    def trouble(self, stage: str, message: str, remedy: str = "", state: State = "lost") -> None:
        """Note a problem that begins; the same one that still lasts is noted once.

        Args:
            stage: where.
            message: what went wrong.
            remedy: what to do about it.
            state: of the stage from now on. "replaced" counts as a restart, and the problem as over.
        """
        now_s = self._clock.now_s()
        with self._lock:
            if stage in self._stages:
                self._stages[stage].state = state
                self._stages[stage].restarts += state == "replaced"
            if not any(p.over_s is None and (p.stage, p.message) == (stage, message) for p in self._problems):
                over_s = now_s if state == "replaced" else None
                self._problems.appendleft(Problem(now_s, stage, message, remedy, over_s))

    def missing(self, stage: str, sentence: str, state: State = "lost") -> None:
        """Note what could not be started, in a sentence; "" where all is well. `state`: of the stage from now on."""
        if sentence:
            self.trouble(stage, sentence, "facecue doctor tells what to install.", state)

    def restarted(self, stage: str, message: str, remedy: str = "") -> None:
        """Note that a stage failed and was started again; it works as before."""
        self.trouble(stage, message, remedy, "replaced")
        with self._lock:
            self._stages[stage].state = "working"

    def well_again(self, stage: str) -> None:
        """Note that a stage works again, and that what was wrong with it is over."""
        now_s = self._clock.now_s()
        with self._lock:
            if stage in self._stages:
                self._stages[stage].state, self._stages[stage].beat_s = "working", now_s
            ended = [_over(p, now_s) if p.stage == stage and p.over_s is None else p for p in self._problems]
            self._problems = deque(ended, maxlen=_KEPT_PROBLEMS)

    def report(self) -> HealthReport:
        """Return what is known now."""
        battery_percent, temperature_c = self._battery(), self._temperature()
        now_s = self._clock.now_s()
        with self._lock:
            stages = {name: self._judge(name, entry, now_s) for name, entry in self._stages.items()}
            return HealthReport(
                running_s=round(now_s - self._start_s, 3),
                **self._names,
                fps=self._fps(now_s),
                pace=self._pace,
                paused=self._paused,
                battery_percent=battery_percent,
                temperature_c=temperature_c,
                stages=stages,
                problems=tuple(self._problems),
            )

    def _judge(self, name: str, entry: _Stage, now_s: float) -> StageHealth:
        quiet_s = None if entry.beat_s is None else round(now_s - entry.beat_s, 3)
        late = entry.state == "working" and quiet_s is not None and quiet_s > BUDGETS_S[name]
        return StageHealth("late" if late else entry.state, quiet_s, BUDGETS_S[name], entry.restarts)

    def _fps(self, now_s: float) -> float | None:
        times = self._frames_s
        if len(times) < 2 or now_s - times[-1] > BUDGETS_S["loop"]:
            return None
        return round((len(times) - 1) / max(times[-1] - times[0], 1e-6), 1)


def _over(problem: Problem, now_s: float) -> Problem:
    return Problem(problem.time_s, problem.stage, problem.message, problem.remedy, now_s)
