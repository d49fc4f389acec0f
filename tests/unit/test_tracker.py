from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.vision.tracker import LONGEST_MEMORY_S, Tracker
from tests.vision_builders import face

STEP_S = 1 / 15


def numbers(faces):
    return [found.track for found in faces]


def follow(tracker, path, start_s=0.0, step_s=STEP_S):
    """Update with each list of faces in turn; return the numbers by the faces' own order, None for no face."""
    result = []
    for index, faces in enumerate(path):
        tracked = tracker.update([found for found in faces if found], start_s + index * step_s)
        by_place = {found.box_xyxy: found.track for found in tracked}
        result.append([by_place[found.box_xyxy] if found else None for found in faces])
    return result


def test_the_first_face_is_number_one_and_keeps_it():
    assert follow(Tracker(), [[face(x=100 + 3 * step)] for step in range(30)]) == [[1]] * 30


def test_faces_come_back_untouched_and_largest_first():
    faces = [face(100, width=40), face(300, width=80), face(500, width=60)]
    tracked = Tracker().update(faces, 0.0)
    assert [found.width_px for found in tracked] == [80, 60, 40]
    by_box = {found.box_xyxy: found for found in faces}
    for found in tracked:
        assert replace(found, track=0, landmarks_xy=by_box[found.box_xyxy].landmarks_xy) == by_box[found.box_xyxy]
        assert found.landmarks_xy is by_box[found.box_xyxy].landmarks_xy


def test_a_blink_of_the_detector_keeps_the_number():
    seen = [[face(x=100 + 2 * step)] if step % 9 not in (6, 7, 8) else [] for step in range(40)]
    assert {number for row in follow(Tracker(), seen) for number in row} == {1}


def test_a_turn_of_the_head_keeps_the_number():
    widths = np.concatenate([np.linspace(80, 48, 8), np.full(5, 48), np.linspace(48, 80, 8)])
    assert {row[0] for row in follow(Tracker(), [[face(width=width, height=80)] for width in widths])} == {1}


@pytest.mark.parametrize("gap", [0, 2, 5, 8])
@pytest.mark.parametrize("other_width", [50, 70])
def test_two_people_crossing_keep_their_numbers(gap, other_width):
    """The one behind is hidden for up to `gap` frames while the other passes in front."""
    path = []
    for step in range(60):
        front, back = face(x=100 + 8 * step, width=other_width), face(x=570 - 8 * step, width=50)
        hidden = abs(step - 29.4) <= gap / 2
        path.append([front, None if hidden else back])
    rows = follow(Tracker(), path)
    assert {row[0] for row in rows} == {1, 2} - {rows[0][1]}
    assert {row[1] for row in rows if row[1]} == {rows[0][1]}


def test_a_walk_towards_the_camera_keeps_the_number():
    assert {row[0] for row in follow(Tracker(), [[face(width=27 * 1.06**step)] for step in range(40)])} == {1}


def test_a_turn_of_the_wearers_head_keeps_the_number():
    """60 degrees a second at 15 frames a second and 1280 pixels for 70 degrees: 73 pixels a frame."""
    path = [[face(x=200, width=90)]] * 5 + [[face(x=200 + 73 * step, width=90)] for step in range(1, 12)]
    assert {row[0] for row in follow(Tracker(), path)} == {1}


def test_a_face_elsewhere_or_of_another_size_is_another():
    assert follow(Tracker(), [[face(100)], [face(400)]]) == [[1], [2]]
    assert follow(Tracker(), [[face(100, width=40)], [face(100, width=120)]]) == [[1], [2]]


@pytest.mark.parametrize("forget_after_s", [0.5, 2.0, 5.0])
def test_a_face_out_of_sight_is_forgotten(forget_after_s):
    for away_s, expected in ((forget_after_s - 0.01, 1), (forget_after_s + 0.01, 2)):
        tracker = Tracker(forget_after_s)
        tracker.update([face()], 10.0)
        assert numbers(tracker.update([face()], 10.0 + away_s)) == [expected]


def test_empty_frames_forget_too():
    tracker = Tracker()
    tracker.update([face()], 0.0)
    for step in range(50):
        assert tracker.update([], 0.1 * step) == ()
    assert numbers(tracker.update([face()], 5.0)) == [2]


@pytest.mark.parametrize("forget_after_s", [0.0, -1.0, LONGEST_MEMORY_S + 0.1, float("nan")])
def test_memory_beyond_five_seconds_is_refused(forget_after_s):
    with pytest.raises(ValueError, match="at most 5"):
        Tracker(forget_after_s)


def test_time_that_stands_still_or_steps_back_does_no_harm():
    tracker = Tracker()
    for now_s in (1.0, 1.0, 0.5, 1.0):
        assert numbers(tracker.update([face()], now_s)) == [1]


def test_a_face_without_area_does_no_harm():
    tracker = Tracker()
    for now_s in (0.0, 0.1):
        assert numbers(tracker.update([face(width=0.0)], now_s)) == [1]


FACES = st.builds(face, st.floats(0, 640), st.floats(0, 480), st.floats(1, 200))
CLIPS = st.lists(st.tuples(st.floats(0, 1.5), st.lists(FACES, max_size=6)), max_size=12)


@given(CLIPS)
@settings(max_examples=150)
def test_numbers_are_unique_in_a_frame_and_the_same_faces_come_out(clip):
    tracker, now_s = Tracker(), 0.0
    for passed_s, faces in clip:
        now_s += passed_s
        tracked = tracker.update(faces, now_s)
        assert Counter(found.box_xyxy for found in tracked) == Counter(found.box_xyxy for found in faces)
        assert len({found.track for found in tracked}) == len(faces)
        assert all(found.track >= 1 for found in tracked)
        areas = [found.width_px * found.height_px for found in tracked]
        assert areas == sorted(areas, reverse=True)


@given(CLIPS)
@settings(max_examples=150)
def test_numbers_are_never_used_again_after_being_forgotten(clip):
    tracker, now_s, last_seen = Tracker(), 0.0, {}
    highest = 0
    for passed_s, faces in clip:
        now_s += passed_s
        for number in numbers(tracker.update(faces, now_s)):
            assert number in last_seen or number > highest
            if number in last_seen:
                assert now_s - last_seen[number] <= 2.0
            last_seen[number] = now_s
        highest = max(last_seen, default=0)
