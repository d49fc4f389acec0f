"""Check that a live camera keeps the newest frame and tells its state once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import repeat

import numpy as np
import pytest

from assistant.camera.live import LiveCamera, Patience
from assistant.camera.watch import BACK, BLACK, FROZEN, LOST, Watch
from assistant.errors import SourceError
from tests.camera_builders import FakeCapture, SharedClock, Step, bgr, coloured

PATIENCE = Patience(retry_s=1.0, hung_s=3.0, give_up_s=20.0, poll_s=0.01)


def pictures(count: int) -> list[Step]:
    return [bgr(coloured(seed=seed)) for seed in range(count)]


class Connections:
    """Give one prepared capture after the other; None stands for an attempt that fails."""

    def __init__(self, clock: SharedClock, *captures: FakeCapture | None) -> None:
        self._captures = list(captures)
        self.attempts = 0

    def __call__(self) -> FakeCapture:
        self.attempts += 1
        capture = self._captures.pop(0) if self._captures else None
        if capture is None:
            raise SourceError("The camera cannot be opened.", "Plug it in.")
        return capture


def camera(
    clock: SharedClock,
    connect: Callable[[], FakeCapture],
    states: list[str] | None = None,
    told: Sequence[threading.Event] = (),
) -> LiveCamera:
    remaining = list(told)

    def on_state(state: str) -> None:
        if states is not None:
            states.append(state)
        if remaining:
            remaining.pop(0).set()

    return LiveCamera("camera 0", connect, clock, on_state, PATIENCE, clock.advance)


def test_keeps_only_the_newest_frame() -> None:
    clock = SharedClock()
    begin = threading.Event()
    capture = FakeCapture(clock, [*pictures(1), lambda: begin.wait(10.0) and None, *pictures(9)])  # type: ignore[list-item]
    live = camera(clock, lambda: capture)
    frames = live.frames()
    assert next(frames).index == 0
    begin.set()
    assert capture.drained.wait(10.0)
    newest = next(frames)
    assert newest.index == 9
    assert newest.captured_at_s == pytest.approx(clock.now_s())
    capture.end()
    live.close()


def test_tells_lost_and_back_once_each() -> None:
    clock, states, told_lost = SharedClock(), [], threading.Event()
    second = FakeCapture(clock, [lambda: told_lost.wait(10.0) and None, *pictures(3)])  # type: ignore[list-item]
    connect = Connections(clock, FakeCapture(clock, [*pictures(2), None]), None, None, second)
    live = camera(clock, connect, states, [told_lost])
    seen = 0
    for frame in live.frames():
        seen += 1
        if BACK in states:
            assert frame.index >= 2
            second.end()
            live.close()
    assert states == [LOST, BACK]
    assert connect.attempts == 4
    assert seen >= 2


def test_gives_up_after_its_patience() -> None:
    clock, states = SharedClock(), []
    capture = FakeCapture(clock, [*pictures(1), None])
    connect = Connections(clock, capture)
    live = camera(clock, connect, states)
    with pytest.raises(SourceError, match=r"lost and did not come back within 20 s") as caught:
        list(live.frames())
    assert states in ([LOST], [])  # the clock may leap past the loss before it is looked at
    assert caught.value.spoken == "The camera is lost."
    assert capture.released
    assert 15 <= connect.attempts <= 22
    live.close()


class TickingClock(SharedClock):
    """A clock that moves half a second whenever somebody looks."""

    def now_s(self) -> float:
        self.advance(0.5)
        return super().now_s()


def test_tells_a_camera_that_hangs() -> None:
    clock, states = TickingClock(), []
    capture = FakeCapture(clock, pictures(1))
    live = camera(clock, lambda: capture, states)
    frames = live.frames()
    next(frames)
    with pytest.raises(SourceError, match="was lost"):
        next(frames)
    assert states == [LOST]
    capture.end()
    live.close()


def test_refuses_a_camera_without_a_first_picture() -> None:
    clock = SharedClock()
    capture = FakeCapture(clock, [None])
    with pytest.raises(SourceError, match="opens but gives no picture"):
        camera(clock, lambda: capture)
    assert capture.released


def test_closing_wakes_who_waits() -> None:
    clock = SharedClock()
    capture = FakeCapture(clock, pictures(1))
    live = LiveCamera("camera 0", lambda: capture, clock, patience=Patience(poll_s=600.0))
    frames = live.frames()
    next(frames)
    assert capture.drained.wait(10.0)
    threading.Thread(target=lambda: (capture.end(), live.close())).start()  # type: ignore[func-returns-value]
    assert list(frames) == []


def _judge(images: list[np.ndarray], step_s: float = 1.0) -> list[str | None]:
    watch = Watch(after_s=3.0)
    return [watch.judge(image, number * step_s) for number, image in enumerate(images)]


def test_tells_a_frozen_camera_and_its_return() -> None:
    still = coloured(seed=1)
    assert _judge([coloured(), *repeat(still, 5), coloured(seed=2)]) == [None, None, None, None, FROZEN, None, BACK]


def test_tells_a_black_camera_and_its_return() -> None:
    black = [coloured((3, 3, 3), seed=seed) for seed in range(5)]
    assert _judge([*black, coloured()]) == [None, None, None, BLACK, None, BACK]


def test_takes_a_dark_room_for_what_it_is() -> None:
    dark = [coloured((20, 20, 20), seed=seed) for seed in range(8)]
    assert _judge(dark) == [None] * 8


def test_a_still_black_picture_is_black_not_frozen() -> None:
    assert _judge([*repeat(np.zeros((48, 64, 3), np.uint8), 6)]) == [None, None, None, BLACK, None, None]


def test_a_driver_that_hangs_is_left_behind_and_the_camera_opened_anew() -> None:
    clock, states = SharedClock(), []
    hangs, released = threading.Event(), threading.Event()

    class Hanging(FakeCapture):
        def release(self) -> None:
            released.set()

    def hang() -> None:
        clock.advance(1.8)
        hangs.wait(20.0)

    first = Hanging(clock, [bgr(coloured(seed=1)), hang, bgr(coloured(seed=2))])
    second = FakeCapture(clock, [bgr(coloured(seed=3))])
    captures = iter([first, second])
    camera = LiveCamera("a camera", lambda: next(captures), clock, states.append, Patience(poll_s=0.001), clock.advance)
    frames = camera.frames()
    assert next(frames).index == 0
    lost_s = clock.now_s()
    found = next(frames)
    assert states in ([], [LOST, BACK]), "told once, or back before it was told"
    assert found.index == 1
    assert found.captured_at_s - lost_s <= 2.0
    hangs.set()
    assert released.wait(20.0), "the thread that was left behind frees what it holds"
    camera.close()
