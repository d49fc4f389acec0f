"""What computes fails while the program runs over a real face: who goes on, what is heard, how long it takes.

Each row says what the back ends do at their fifth inference. The whole real program runs, on the clip's own clock.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import runners
from assistant.errors import BackendError, DependencyError
from assistant.inference import choose
from assistant.inference.backends import litert
from assistant.types import Face, Frame
from tests.app_builders import call, face, face_clip, tiny_models, use_models
from tests.fault_builders import BUSY_S, Do, Mark, Room, shots

LOST = "The accelerator failed."
ANSWER_S = 0.4  # stands for the real deadline of 1 s
AT = 5

Fault = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        backend: that was chosen.
        faults: what the Action Unit model's runner does from its fifth inference on, by back end.
        heard: of words about it, each once.
        logged: in standard error.
        ends_on: the back end that the report names; "" where the program ends.
        status: exit status.
    """

    name: str
    backend: str
    faults: dict[str, str] = field(default_factory=dict)
    heard: tuple[str, ...] = ()
    logged: str = ""
    ends_on: str = "litert"
    status: int = 0


CASES = [
    Case("all is well", "edgetpu", ends_on="edgetpu"),
    Case("the accelerator is unplugged", "edgetpu", {"edgetpu": "fails"}, (LOST,), "Going on without it, on litert."),
    Case("the accelerator hangs", "edgetpu", {"edgetpu": "hangs"}, (LOST,), "gave no answer within 0.4 s"),
    Case("OpenVINO takes over", "edgetpu", {"edgetpu": "fails", "openvino": "works"}, (LOST,), "", "openvino"),
    Case("OpenVINO takes over and fails", "edgetpu", {"edgetpu": "fails", "openvino": "fails"}, (LOST,)),
    Case("the processor's fails once", "litert", {"litert": "fails once"}, (), "It was loaded anew."),
    Case("the processor's hangs once", "litert", {"litert": "hangs once"}, (), "It was loaded anew."),
    Case("the processor's never works again", "litert", {"litert": "fails"}, (), "did not help", "", 8),
    Case("ten times slower", "litert", {"litert": "is slow"}),
]


class Failing:
    """Run as the real one, and do what the case says from the fifth inference on."""

    def __init__(self, runner: Any, fault: Fault | None) -> None:
        self._runner, self._fault, self._runs = runner, fault, 0
        self.inputs, self.outputs = runner.inputs, runner.outputs

    def run(self, *arrays: np.ndarray) -> Any:
        self._runs += 1
        if self._runs >= AT and self._fault is not None:
            self._fault()
        return self._runner.run(*arrays)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over, so that what hung may end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_models(monkeypatch, tiny_models(tmp_path / "installed"))
    return face_clip(tmp_path / "c.mp4", 2.0)


def fail() -> None:
    raise BackendError("The device was unplugged.", "Plug it in.")


def arrange(monkeypatch: pytest.MonkeyPatch, case: Case, over: threading.Event, run_s: float | None = ANSWER_S) -> None:
    """Let the named back ends be there, and fail as the case says; `run_s` None leaves the deadline as shipped."""
    opened: dict[str, int] = {}

    def open_backend(name: str, path: Path, threads: int = 1) -> Any:
        if "blazeface" in str(path):
            return litert.Runner(path, threads)
        opened[name] = opened.get(name, 0) + 1
        fault = case.faults.get(name, "" if name in ("litert", case.backend) else "is missing")
        if fault == "is missing":
            raise DependencyError(f"{name} is not installed.", "Install it.")
        if fault.endswith("once") and opened[name] > 1:
            fault = ""
        does: dict[str, Fault] = {
            "fails": fail,
            "hangs": lambda: over.wait(60.0),
            "is slow": lambda: time.sleep(0.01),  # real inference of the tiny model takes 0.1 ms
        }
        return Failing(litert.Runner(path, threads), does.get(fault.removesuffix(" once")))

    decide = choose.choose_backend

    def choose_backend(*arguments: Any, **options: Any) -> choose.Choice:
        found = decide(*arguments, **options | {"backend": "litert"})
        return choose.Choice(case.backend, found.model_name, found.folder, found.ms, found.reason, found.candidates)

    monkeypatch.setattr(choose, "choose_backend", choose_backend)
    monkeypatch.setattr(choose, "open_backend", open_backend)
    if run_s is not None:
        monkeypatch.setattr(runners, "WatchedRunner", partial(runners.WatchedRunner, run_s=run_s))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_goes_on_with_what_is_left(
    clip: Path, monkeypatch: pytest.MonkeyPatch, over: threading.Event, case: Case
) -> None:
    arrange(monkeypatch, case, over)
    status, out, err = call("run", "--source", clip, "--speed", "max", "--mute", "--json")
    assert status == case.status, err
    assert "Traceback" not in err
    assert err.count(case.logged) == 1 if case.logged else err.count("Facecue:") <= len(case.faults)
    assert out.count(LOST) == len(case.heard), "announced exactly once, or not at all"
    if case.ends_on:
        report = json.loads(out.splitlines()[-1])
        assert report["backend"] == case.ends_on
        assert report["frames"] == 20, "no frame is lost"
        assert "One person" in out


@pytest.mark.parametrize(
    "case", [case for case in CASES if "hangs" in case.name or "unplugged" in case.name], ids=lambda case: case.name
)
def test_faces_are_read_again_within_two_seconds(
    clip: Path, monkeypatch: pytest.MonkeyPatch, over: threading.Event, case: Case
) -> None:
    """With the deadlines as shipped, and real models and time."""
    arrange(monkeypatch, case, over, run_s=None)
    asked_s: list[float] = []
    answered_s: list[float] = []
    run = Failing.run

    def timed(self: Failing, *arrays: np.ndarray) -> Any:
        asked_s.append(time.monotonic())
        answer = run(self, *arrays)
        answered_s.append(time.monotonic())
        return answer

    monkeypatch.setattr(Failing, "run", timed)
    status, _, err = call("run", "--source", clip, "--speed", "max", "--mute")
    assert status == 0, err
    failed_s = asked_s[AT - 1]
    assert next(at_s for at_s in answered_s if at_s > failed_s) - failed_s <= 2.0 + BUSY_S


def test_a_hang_is_over_within_two_seconds() -> None:
    """The parts of the bar, as they are shipped; a fresh interpreter of the shipped model takes some 10 ms to load."""
    from assistant.deadline import _GRACE_S
    from assistant.inference.watched import WatchedRunner

    deadline_s = WatchedRunner.__init__.__defaults__[0]  # type: ignore[index]
    assert deadline_s + _GRACE_S + runners.RELOAD_S <= 2.0


def test_ten_times_slower_does_less_within_two_seconds_and_lags_no_more(room: Room) -> None:
    slow, paces = [False], []
    began = Mark(room.clock)

    def look(frame: Frame) -> tuple[Face, ...]:
        paces.append((room.clock.now_s() - began.at_s, room.health.report().pace))
        room.clock.advance(0.15 if slow[0] else 0.015)
        return (face(left=20.0, width=24.0),)

    room.faces = look
    script = [*shots(4), Do(lambda: (began(), slow.__setitem__(0, True))), *shots(8)]
    outcome = room.run(*script, Do(lambda: slow.__setitem__(0, False)), *shots(30))
    assert outcome.error is None
    assert outcome.words() == ["One person, close, ahead, facing you."]
    assert outcome.logged == ""
    assert next(after_s for after_s, pace in paces if pace != "full") <= 2.0
    assert "slower" in (pace for _, pace in paces)
    assert outcome.health.pace == "full", "and all is as before when it is over"


@pytest.mark.parametrize("harm", ["truncated", "swapped", "gone"])
def test_a_model_that_was_changed_meanwhile_is_not_loaded_again(
    clip: Path, monkeypatch: pytest.MonkeyPatch, over: threading.Event, harm: str
) -> None:
    arrange(monkeypatch, Case("", "litert", {"litert": "fails once"}), over)
    from assistant import locate

    path = locate.shipped("models") / "compact" / "model.tflite"
    harms = {
        "truncated": lambda: path.write_bytes(path.read_bytes()[:1000]),
        "swapped": lambda: path.write_bytes(path.read_bytes()[::-1]),
        "gone": path.unlink,
    }
    real = Failing.run

    def run(self: Failing, *arrays: np.ndarray) -> Any:
        if self._runs == AT - 1 and self._fault is not None:
            harms[harm]()
        return real(self, *arrays)

    monkeypatch.setattr(Failing, "run", run)
    status, _, err = call("run", "--source", clip, "--speed", "max", "--mute")
    assert status == 4
    assert "model.tflite" in err
    assert "Traceback" not in err
