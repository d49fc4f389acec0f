"""A camera that fails while the program runs: what is heard and when, what is logged, how it goes on.

Each row is a script for the camera's driver, on a fake clock, and what comes of it in the real loop.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.app_builders import face
from tests.camera_builders import bgr, coloured
from tests.fault_builders import HUNG_S, Do, Gone, Hung, Mark, Room, Shot, Step, shots

COVERED = "The camera sees nothing. Is it covered?"
DARK = Shot(np.zeros((48, 64, 3), np.uint8))
STILL = Shot(bgr(coloured((120, 130, 140))))
RUBBISH = [Shot(np.zeros(shape, np.uint8)) for shape in [(0, 0, 3), (7,), (48, 64, 7), (48, 64, 3, 2)]]


def dim(seconds: float) -> list[Step]:
    """Light that fades for two seconds, and is gone."""
    levels = [max(120 - 6 * step, 10) for step in range(round(seconds * 10))]
    return [Shot(bgr(coloured((level,) * 3, seed=seed))) for seed, level in enumerate(levels)]


def furnished(seconds: float, blurred: bool) -> list[Step]:
    """A room with something to be seen in it."""
    steps: list[Step] = []
    for seed in range(round(seconds * 10)):
        cells = np.random.default_rng(seed % 7).integers(0, 255, (6, 8, 3)).astype(np.uint8)
        image = cv2.resize(cells, (160, 120), interpolation=cv2.INTER_NEAREST)
        steps.append(Shot(cv2.GaussianBlur(image, (0, 0), 5.0) if blurred else image))
    return steps


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        fault: what the camera does, after two seconds in which all is well.
        after: what it does when the fault is over.
        heard: words, each exactly once, in this order.
        within_s: after which the first of them is heard, from the beginning of the fault.
        logged: each once, and nothing else, in standard error.
        change: settings.
    """

    name: str
    fault: list[Step]
    after: list[Step]
    heard: tuple[str, ...] = ()
    within_s: float = 2.0
    logged: tuple[str, ...] = ()
    change: dict[str, Any] = field(default_factory=dict)


LOST_AND_BACK = ("Camera lost.", "Camera back.")
NO_GESTURE = {"controls.cover": False}
CASES = [
    Case("unplugged, back after 30 s", [Gone(30.0)], shots(20), LOST_AND_BACK, 2.0, ("camera lost.", "camera back.")),
    Case("back after half a second", [Gone(0.5)], shots(5), LOST_AND_BACK, 2.0, ("camera lost.", "camera back.")),
    Case("black, as under a hand", [DARK] * 100, shots(5), ("Camera covered. Paused.", "Resumed.")),
    Case(
        "black, without the gesture",
        [DARK] * 100,
        shots(5),
        (COVERED, "Camera back."),
        2.0,
        ("camera black.", "camera back."),
        NO_GESTURE,
    ),
    Case("black for a moment", [DARK] * 9, shots(5)),
    Case("black for a moment, without the gesture", [DARK] * 15, shots(5), change=NO_GESTURE),
    Case(
        "frozen",
        [STILL] * 100,
        shots(5),
        ("The camera is frozen.", "Camera back."),
        2.0,
        ("camera frozen.", "camera back."),
    ),
    Case(
        "a dirty lens",
        furnished(60, blurred=True),
        furnished(5, blurred=False),
        ("The picture is blurred. Wipe the lens.", "Camera back."),
        10.5,
        ("camera blurred.", "camera back."),
    ),
    Case("low light", dim(60), shots(10), ("It is dark; I cannot see well.", "I can see again."), 6.5),
    Case("one frame a second", shots(60, after_s=1.0), shots(5)),
    Case("corrupt frames now and then", [*RUBBISH, *shots(1), *RUBBISH], shots(5)),
    Case("it changes its resolution", shots(3, size=(128, 96)), shots(5)),
    Case("it changes its resolution often", shots(3, size=(128, 96)) + shots(3, size=(320, 240)), shots(5)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_told_once_and_survived(room: Room, case: Case) -> None:
    began, over = Mark(room.clock), Mark(room.clock)
    outcome = room.run(*shots(2), Do(began), *case.fault, Do(over), *case.after, change=case.change)
    assert outcome.error is None
    assert outcome.words() == list(case.heard)
    if case.heard:
        assert outcome.heard[0][0] - began.at_s <= case.within_s
        back_s = max(over.at_s, began.at_s + sum(step.for_s for step in case.fault if isinstance(step, Gone)))
        assert outcome.heard[-1][0] - back_s <= (4.5 if "light" in case.name else 2.0), "its end is told"
        assert outcome.first_frame_after(back_s) <= 2.0, "and it sees again"
    assert outcome.logged == "".join(f"Facecue: {line}\n" for line in case.logged)
    assert outcome.health.stages["camera"].state == "working", "and all is well in the end"
    assert all(problem.over_s is not None for problem in outcome.health.problems)


def test_a_camera_unplugged_twice_is_told_twice(room: Room) -> None:
    outcome = room.run(*shots(2), Gone(5.0), *shots(5), Gone(5.0), *shots(9))
    assert outcome.words() == [*LOST_AND_BACK, *LOST_AND_BACK]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda shot: str(shot.image_bgr.shape))
def test_a_picture_that_is_none_is_passed_over_and_many_open_the_camera_anew(room: Room, rubbish: Shot) -> None:
    outcome = room.run(*shots(2), rubbish, *shots(2), *[rubbish] * 10, *shots(4))
    assert outcome.error is None
    assert outcome.words() == ["Camera lost.", "Camera back."]
    assert outcome.report["frames"] >= 75
    assert "Traceback" not in outcome.logged


def test_a_driver_that_hangs_is_replaced_within_two_seconds(room: Room) -> None:
    began = Mark(room.clock)
    outcome = room.run(*shots(2), Do(began), Hung(), *shots(4))
    assert outcome.error is None
    assert outcome.words() in ([], [*LOST_AND_BACK]), "one that opens at once may be back before a word is said"
    assert outcome.first_frame_after(began.at_s + 0.2) <= 2.0
    assert outcome.report["frames"] >= 50


def test_a_driver_that_hangs_and_opens_late_is_told_once(room: Room) -> None:
    began = Mark(room.clock)
    outcome = room.run(*shots(2), Do(began), Hung(opens_after_s=3.0), *shots(4))
    assert outcome.error is None
    assert outcome.words() == [*LOST_AND_BACK]
    assert outcome.heard[0][0] - began.at_s <= 2.0
    assert outcome.first_frame_after(began.at_s + HUNG_S + 3.0) <= 2.0
    assert outcome.logged == "Facecue: camera lost.\nFacecue: camera back.\n"


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
    assert outcome.logged == ""
    assert sum(len(words.split()) for words in said) <= 12 * 2


def test_words_that_a_pause_of_the_whole_program_made_stale_are_not_said(room: Room) -> None:
    """The program was stopped, or the computer slept, between two frames."""
    appeared = [False]
    room.faces = lambda frame: (face(left=20.0, width=24.0),) if appeared[0] else ()
    script: list[Step] = [*shots(2), Do(lambda: appeared.__setitem__(0, True)), *shots(1)]
    script += [Do(lambda: (appeared.__setitem__(0, False), room.clock.advance(3600.0))), *shots(5)]
    outcome = room.run(*script)
    assert outcome.error is None
    assert outcome.words() == ["One person, close, ahead, facing you."], "and nothing about a camera"
    assert not any("person" in words for at_s, words in outcome.heard if at_s > 3600.0)


def test_setting_the_clock_changes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    script: list[Step] = []
    for wall_s in (4e9, 0.0, 1.7e9):
        script += [*shots(5), Do(lambda wall_s=wall_s: monkeypatch.setattr(time, "time", lambda: wall_s))]  # type: ignore[misc]
    outcome = room.run(*script, *shots(5))
    assert outcome.error is None
    assert outcome.words() == ["One person, close, ahead, facing you."]
    assert outcome.logged == ""


def test_frames_do_not_pile_up_in_memory(room: Room, tmp_path: Path) -> None:
    room.faces = lambda frame: (face(left=20.0, width=24.0),)
    outputs = {"transcript": tmp_path / "t.jsonl", "overlay": tmp_path / "o.avi"}
    outcome = room.run(*shots(20, size=(640, 480)), **outputs)
    assert outcome.error is None
    assert outcome.report["frames"] >= 190
    assert 1 <= outcome.most_pictures <= 3, "the one before, the loop's, and the one that comes"
