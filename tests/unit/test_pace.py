"""Less is done before it falls behind, and little where nobody is."""

from dataclasses import replace

import numpy as np
import pytest

from assistant.clock import ManualClock
from assistant.pace import Level, Limits, Pace, PacedCamera, PacedDetector
from tests.app_builders import ListCamera, ScriptedDetector, face, frame


def run(pace, frame_s, seconds, start_s=0.0):
    """Note frames of one length for so long; return the time and the last pause."""
    now_s, pause_s = start_s, 0.0
    while now_s < start_s + seconds:
        now_s += frame_s
        pause_s = pace.note(frame_s, now_s)
    return now_s, pause_s


def test_quick_frames_are_taken_whole_and_without_a_pause():
    pace = Pace()
    assert run(pace, 0.01, 60.0)[1] == 0
    assert pace.level == Level.FULL


def test_slow_frames_make_pictures_smaller_first_and_pauses_second_and_quick_ones_undo_it():
    told = []
    pace = Pace(tell=told.append)
    now_s, _ = run(pace, 0.3, 1.2)
    assert pace.level == Level.SMALLER
    now_s, pause_s = run(pace, 0.3, 1.2, now_s)
    assert pace.level == Level.SLOWER
    assert pause_s == pytest.approx(0.3), "half of the time is left to others"
    run(pace, 0.02, 40.0, now_s)
    assert pace.level == Level.FULL
    assert told == [Level.SMALLER, Level.SLOWER, Level.SMALLER, Level.FULL]


def test_one_slow_frame_changes_nothing():
    pace = Pace()
    for number in range(100):
        pace.note(0.4 if number == 50 else 0.02, number / 10)
    assert pace.level == Level.FULL


def test_in_between_it_stays_as_it_is():
    pace = Pace()
    now_s, _ = run(pace, 0.15, 0.9)
    run(pace, 0.07, 60.0, now_s)
    assert pace.level == Level.SMALLER


def test_heat_slows_down_until_it_is_over():
    temperature, told = [81.0], []
    pace = Pace(temperature=lambda: temperature[0], tell=told.append)
    now_s, pause_s = run(pace, 0.01, 6.0)
    assert (pace.level, pause_s) == (Level.SLOWER, 0.01)
    temperature[0] = 77.0
    now_s, _ = run(pace, 0.01, 6.0, now_s)
    assert pace.level == Level.SLOWER
    temperature[0] = 70.0
    run(pace, 0.01, 6.0, now_s)
    assert told == [Level.SLOWER, Level.FULL]


def test_a_camera_is_left_waiting_where_the_pace_says_so():
    clock, waited = ManualClock(), []
    pace = Pace(Limits(hot_c=0.0), temperature=lambda: 50.0)
    camera = PacedCamera(ListCamera(*(frame(i) for i in range(3))), pace, clock, clock, waited.append)
    seen = []
    for each in camera.frames():
        seen.append(each.index)
        clock.set(clock.now_s() + 0.05)
    assert seen == [0, 1, 2]
    assert waited == pytest.approx([0.05, 0.05, 0.05])
    assert (camera.name, camera.live) == ("a list", False)


class Counting(ScriptedDetector):
    """Remember the frames that were looked at."""

    def __init__(self, *faces):
        super().__init__(*faces)
        self.looked = []

    def detect(self, frame):
        self.looked.append(frame)
        return super().detect(frame)


def watch(detector, seconds, start_s=0.0, move=False):
    """Show 30 frames a second; return the number of looks."""
    before = len(detector._detector.looked)
    for number in range(round(seconds * 30)):
        shown = frame(number, start_s + number / 30)
        if move:
            shown = replace(shown, image_rgb=np.roll(NOISE, number * 7, axis=1))
        detector.detect(shown)
    return len(detector._detector.looked) - before


NOISE = np.kron(np.random.default_rng(0).integers(0, 256, (12, 16, 1), np.uint8), np.ones((10, 10, 3), np.uint8))


def test_every_frame_is_looked_at_while_somebody_is_there():
    detector = PacedDetector(Counting(face()), Pace())
    assert watch(detector, 10.0) == 300
    assert not detector.idle


@pytest.mark.parametrize(("move", "most"), [(False, 28), (True, 90)])
def test_where_nobody_is_it_looks_now_and_then_and_more_often_where_something_moves(move, most):
    detector = PacedDetector(Counting(), Pace())
    assert watch(detector, 1.0, 0.0, move) == 30
    looks = watch(detector, 10.0, 1.0, move)
    assert detector.idle
    assert 20 <= looks <= most


def test_who_comes_in_is_seen_within_an_eighth_of_a_second():
    inner = Counting()
    detector = PacedDetector(inner, Pace())
    watch(detector, 5.0)
    inner.faces = (face(),)
    start_s = 5.0
    for number in range(30):
        now_s = start_s + number / 30
        shown = replace(frame(number, now_s), image_rgb=NOISE)
        if detector.detect(shown):
            break
    assert now_s - start_s <= 0.14
    assert not detector.idle
    assert len(detector.detect(replace(shown, captured_at_s=now_s + 1 / 30))) == 1


def test_who_stands_still_is_seen_within_half_a_second():
    inner = Counting()
    detector = PacedDetector(inner, Pace())
    watch(detector, 5.0)
    inner.faces = (face(),)
    assert watch(detector, 0.5, 5.0) >= 1
    assert not detector.idle


def test_a_source_that_starts_again_is_looked_at_at_once():
    detector = PacedDetector(Counting(), Pace())
    watch(detector, 5.0)
    assert watch(detector, 1.0, 0.0) == 30


def test_a_smaller_picture_gives_faces_in_the_pixels_of_the_whole_one():
    pace = Pace(Limits(hot_c=0.0), temperature=lambda: 50.0)
    pace.note(0.01, 0.0)
    inner = Counting(face(left=10.0, width=20.0))
    (found,) = PacedDetector(inner, pace).detect(frame(size=(960, 720)))
    assert inner.looked[0].image_rgb.shape == (360, 480, 3)
    assert found.box_xyxy == (20.0, 20.0, 60.0, 60.0)
    assert found.landmarks_xy.dtype == np.float32


def test_a_picture_that_is_small_already_is_left_alone():
    pace = Pace(Limits(hot_c=0.0), temperature=lambda: 50.0)
    pace.note(0.01, 0.0)
    inner = Counting()
    PacedDetector(inner, pace).detect(frame(size=(320, 240)))
    assert inner.looked[0].image_rgb.shape == (240, 320, 3)
