"""A camera that fails while the program runs: what is heard and when, what is logged, how it goes on.

Each row is a script for the camera's driver, on a fake clock, and what comes of it in the real loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.app_builders import face
from tests.camera_builders import bgr, coloured
from tests.fault_builders import Do, Gone, Hung, Room, Shot, Step, shots

COVERED = "The camera sees nothing. Is it covered?"
DARK = Shot(np.zeros((48, 64, 3), np.uint8))
STILL = Shot(bgr(coloured((120, 130, 140))))
RUBBISH = [Shot(np.zeros(shape, np.uint8)) for shape in [(0, 0, 3), (7,), (48, 64, 7), (48, 64, 3, 2)]]


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        script: after two seconds in which all is well.
        heard: words, each exactly once, in this order.
        within_s: after which the first of them is heard, from the beginning of the fault.
        logged: in standard error.
        frames: at least so many frames were looked at.
    """

    name: str
    script: list[Step]
    heard: list[str]
    within_s: float = 2.0
    logged: str = ""
    frames: int = 30


CASES = [
    Case("unplugged, back after 30 s", [Gone(30.0), *shots(20)], ["Camera lost.", "Camera back."], 2.0, "camera lost."),
    Case("unplugged twice", [Gone(5.0), *shots(5), Gone(5.0), *shots(9)], ["Camera lost.", "Camera back."] * 2),
    Case("black for ten seconds", [*[DARK] * 100, *shots(5)], [COVERED, "Camera back."], 3.2, "camera black."),
    Case("black for two seconds", [*[DARK] * 20, *shots(5)], []),
    Case("frozen", [*[STILL] * 100, *shots(5)], ["The camera is frozen.", "Camera back."], 3.2, "camera frozen."),
    Case("one frame a second", shots(60, after_s=1.0), [], frames=70),
    Case("corrupt frames now and then", [*shots(1), *RUBBISH, *shots(3)], [], frames=50),
    Case("it changes its resolution", [*shots(3, size=(128, 96)), *shots(3, size=(64, 48))], [], frames=70),
    Case("the clock jumps an hour", shots(3), [], frames=45),
]


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Room:
    return Room(monkeypatch, capsys)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_told_once_and_survived(room: Room, case: Case) -> None:
    began: list[float] = []
    script = [*shots(2), Do(lambda: began.append(room.clock.now_s())), *case.script]
    if "jumps" in case.name:
        script.insert(-1, Do(lambda: room.clock.advance(3600.0)))
    outcome = room.run(*script)
    assert outcome.error is None
    assert outcome.words() == case.heard
    if case.heard:
        assert outcome.heard[0][0] - began[0] <= case.within_s
    assert case.logged in outcome.logged
    assert "Traceback" not in outcome.logged
    assert outcome.report["frames"] >= case.frames
    assert outcome.health.stages["camera"].state == "working", "and all is well in the end"
    assert all(problem.over_s is not None for problem in outcome.health.problems)


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda shot: str(shot.image_bgr.shape))
def test_a_picture_that_is_none_is_passed_over_and_many_open_the_camera_anew(room: Room, rubbish: Shot) -> None:
    outcome = room.run(*shots(2), rubbish, *shots(2), *[rubbish] * 10, *shots(4))
    assert outcome.error is None
    assert outcome.words() == ["Camera lost.", "Camera back."]
    assert outcome.report["frames"] >= 75
    assert "Traceback" not in outcome.logged


def test_a_driver_that_hangs_is_replaced_within_two_seconds(room: Room) -> None:
    began: list[float] = []
    outcome = room.run(*shots(2), Do(lambda: began.append(room.clock.now_s())), Hung(), *shots(4))
    assert outcome.words() in ([], ["Camera lost.", "Camera back."])
    assert outcome.report["frames"] >= 50
    assert outcome.error is None


def test_a_camera_that_does_not_come_back_is_given_up_in_words(room: Room) -> None:
    outcome = room.run(*shots(2), Gone(600.0))
    assert outcome.words() == ["Camera lost."]
    assert outcome.error is not None
    assert outcome.error.spoken == "The camera is lost."  # type: ignore[attr-defined]
    assert outcome.health.stages["camera"].state == "lost"


def test_who_is_there_stays_there_while_the_camera_is_lost_for_a_moment(room: Room) -> None:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    outcome = room.run(*shots(4), Gone(0.5), *shots(4))
    assert sum("person" in words for words in outcome.words()) <= 2
    assert outcome.words().count("Camera lost.") == 1


def test_twenty_people_are_counted_and_only_the_nearest_are_read(room: Room) -> None:
    room.faces = lambda frame: [face(left=number * 30.0, width=20.0 + number / 10) for number in range(20)]
    outcome = room.run(*shots(5, size=(640, 480)))
    assert outcome.error is None
    assert room.units.calls <= 4 * outcome.report["frames"]
    said = outcome.words()
    assert len(said) <= 3, said
    assert sum(len(words.split()) for words in said) <= 12 * 2


def test_words_that_a_pause_of_the_whole_program_made_stale_are_not_said(room: Room) -> None:
    """The program was stopped, or the computer slept, between two frames."""
    appeared = [False]
    room.faces = lambda frame: (face(left=20.0, width=24.0),) if appeared[0] else ()
    script: list[Step] = [*shots(2), Do(lambda: appeared.__setitem__(0, True)), *shots(1)]
    script += [Do(lambda: (appeared.__setitem__(0, False), room.clock.advance(3600.0))), *shots(5)]
    outcome = room.run(*script)
    assert outcome.error is None
    assert not any("person" in words for at_s, words in outcome.heard if at_s > 3600.0)
