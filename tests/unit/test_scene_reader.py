"""Where people are and what they do, from faces of known pose, place and past; at several frame rates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.facs import AU_ORDER
from assistant.types import ActionUnits, Face, Floats, Manner, Person, Place, Scene
from assistant.vision import geometry, gestures, pose
from assistant.vision.scene import SceneReader
from assistant.vision.swings import swings
from assistant.vision.wavering import Wavering
from tests.speech_builders import expression

WIDTH_PX, HFOV_DEG = 1280, 70.0
FOCAL_PX = WIDTH_PX / 2 / math.tan(math.radians(HFOV_DEG / 2))


def landmarks(yaw: float, pitch: float, bearing: float, distance: float, rng: np.random.Generator | None) -> Floats:
    """The mean head's landmarks at a place, as a detector would jitter them."""
    y, p = np.radians([yaw, pitch])
    turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    axis = np.array([0.0, 0.0, geometry._FRONT_MM])
    points = ((pose._HEAD_MM - axis) @ (turn @ nod).T)[:, :2] * FOCAL_PX / (distance * 1000)
    points += [WIDTH_PX / 2 + FOCAL_PX * math.tan(math.radians(bearing)), 360]
    if rng is not None:
        points += rng.normal(0, 0.012 * 63 * FOCAL_PX / (distance * 1000), points.shape)
    return np.asarray(points, np.float32)


def person(
    yaw: float = 0.0,
    pitch: float = 0.0,
    bearing: float = 0.0,
    distance: float = 1.0,
    track: int = 1,
    mouth: float = 0.1,
    closed: bool = False,
    rng: np.random.Generator | None = None,
) -> Person:
    points = landmarks(yaw, pitch, bearing, distance, rng)
    box = (*(float(v) for v in points.min(0)), *(float(v) for v in points.max(0)))
    found = pose.head_pose(points)
    face = Face((box[0], box[1], box[2], box[3]), points, 0.9, track, *found)
    values = dict.fromkeys(AU_ORDER, 0.05) | {"AU26": mouth, "AU43": 0.9 if closed else 0.05}
    units = ActionUnits(tuple(values.values()), tuple(value >= 0.5 for value in values.values()))
    return Person(face, units, expression(), units)


def watch(seconds: float, fps: float, show: Callable[[float], Person], seed: int = 0) -> list[Manner]:
    """What is told of one person, frame by frame."""
    reader = SceneReader(HFOV_DEG)
    manners = []
    for frame in range(round(seconds * fps)):
        scene = Scene(frame / fps, WIDTH_PX, 720, (show(frame / fps),))
        manners.append(reader.read(scene).people[0].manner)
    return manners


def wave(at_s: float, start_s: float, cycles: float, hz: float) -> float:
    """A swing that begins and ends at rest, 0 outside."""
    return math.sin(2 * math.pi * hz * (at_s - start_s)) if 0 <= at_s - start_s <= cycles / hz else 0.0


@given(st.floats(-34, 34), st.floats(0.4, 8), st.floats(-40, 40), st.floats(-20, 20))
def test_place_is_that_of_the_head_however_it_is_turned(
    bearing: float, distance: float, yaw: float, pitch: float
) -> None:
    face = person(yaw, pitch, bearing, distance).face
    assert geometry.bearing_deg(face, WIDTH_PX, HFOV_DEG) == pytest.approx(bearing, abs=0.5)
    assert geometry.distance_m(face, WIDTH_PX, HFOV_DEG) == pytest.approx(distance, rel=0.02)


def test_a_face_without_landmarks_is_placed_by_its_box() -> None:
    face = Face((600.0, 300.0, 680.0, 380.0), np.zeros((6, 2), np.float32), 0.9)
    assert geometry.bearing_deg(face, WIDTH_PX, HFOV_DEG) == pytest.approx(0.0)
    assert geometry.distance_m(face, WIDTH_PX, HFOV_DEG) == pytest.approx(0.15 * FOCAL_PX / 80)


@pytest.mark.parametrize(
    ("bearing", "hour", "side"),
    [(0, 12, "ahead"), (14, 12, "right"), (16, 1, "right"), (-16, 11, "left"), (46, 2, "right"), (-100, 9, "left")],
)
def test_an_hour_is_thirty_degrees(bearing: float, hour: int, side: str) -> None:
    assert (Place(bearing, 1.0).hour, Place(bearing, 1.0).side) == (hour, side)


def test_a_measured_calibration_corrects_the_distance() -> None:
    scene = Scene(0.0, WIDTH_PX, 720, (person(distance=2.0),))
    place = SceneReader(HFOV_DEG, distance_factor=1.1).read(scene).people[0].place
    assert place is not None
    assert place.distance_m == pytest.approx(2.2, rel=0.02)


def test_who_faces_you_comes_first_then_the_nearest() -> None:
    people = (
        person(50, distance=1.0, track=1),
        person(0, bearing=10, distance=3.0, track=2),
        person(0, bearing=-10, distance=2.0, track=3),
    )
    read = SceneReader(HFOV_DEG).read(Scene(0.0, WIDTH_PX, 720, people))
    assert [each.face.track for each in read.people] == [3, 2, 1]


def test_facing_does_not_flicker_at_its_edge() -> None:
    rng = np.random.default_rng(3)
    manners = watch(20, 15, lambda at_s: person(26 + 2 * math.sin(at_s), rng=rng))
    assert len({manner.facing for manner in manners}) == 1


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_turning_away_and_back_is_told_within_half_a_second(fps: float) -> None:
    manners = watch(6, fps, lambda at_s: person(45 if 2 <= at_s < 4 else 0))
    facing = [manner.facing for manner in manners]
    for at_s, expected in ((1.9, True), (2.5, False), (3.9, False), (4.5, True)):
        assert facing[round(at_s * fps)] is expected


@pytest.mark.parametrize("fps", [10, 15, 30])
@pytest.mark.parametrize("hz", [1.0, 2.0, 2.5])
@pytest.mark.parametrize("amplitude", [7.0, 12.0])
@pytest.mark.parametrize("kind", ["nodding", "shaking"])
def test_a_nod_is_a_nod_and_a_shake_a_shake(fps: float, hz: float, amplitude: float, kind: str) -> None:
    rng = np.random.default_rng(1)
    if fps / hz < 5:
        pytest.skip("so few pictures of a swing do not stand out from a detector's noise")

    def show(at_s: float) -> Person:
        swing = amplitude * wave(at_s, 2.0, 2.5, hz)
        return person(*((swing, 0.0) if kind == "shaking" else (0.0, swing)), distance=1.5, rng=rng)

    told = [manner.gesture for manner in watch(8, fps, show)]
    assert set(told) == {"", kind}
    assert set(told[: 2 * int(fps)]) == {""}
    assert set(told[-2 * int(fps) :]) == {""}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fps", [10, 30])
def test_a_still_head_that_is_turned_once_makes_no_gesture(fps: float, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def show(at_s: float) -> Person:
        aside, down = min(max(at_s - 3, 0), 1) * 30, (15 if 6 <= at_s <= 7.5 else 0)
        return person(aside, -down, distance=2.0, rng=rng)

    assert {manner.gesture for manner in watch(12, fps, show)} == {""}


@pytest.mark.parametrize("fps", [10, 30])
@pytest.mark.parametrize("speed", [-0.8, 0.8])
def test_walking_is_told_and_standing_is_not(fps: float, speed: float) -> None:
    rng = np.random.default_rng(2)
    far = 4.0 if speed < 0 else 1.5
    told = [
        each.motion for each in watch(9, fps, lambda t: person(distance=far + speed * min(max(t - 3, 0), 3), rng=rng))
    ]
    assert set(told[: 3 * int(fps)]) == {""}
    assert set(told) == {"", "approaching" if speed < 0 else "leaving"}
    assert told[round(5.5 * fps)] != ""
    assert told[-1] == ""


def test_talking_is_a_mouth_that_opens_and_closes() -> None:
    def speak(at_s: float) -> float:
        return 0.5 - 0.45 * math.cos(2 * math.pi * 3 * at_s) if 2 <= at_s <= 5 else 0.05

    told = [each.talking for each in watch(8, 15, lambda t: person(mouth=speak(t)))]
    assert not any(told[:30])
    assert all(told[50:75])
    assert not any(told[-15:])
    yawning = watch(8, 15, lambda t: person(mouth=0.9 if 2 <= t <= 5 else 0.05))
    assert not any(each.talking for each in yawning)


def test_closed_eyes_are_timed_and_a_blink_is_short() -> None:
    told = watch(6, 20, lambda t: person(closed=2 <= t < 5 and not 3.0 <= t < 3.1))
    assert told[39].eyes_closed_s == 0
    assert told[95].eyes_closed_s == pytest.approx(2.75, abs=0.1)
    assert told[-1].eyes_closed_s == 0


def test_a_gap_begins_a_new_past() -> None:
    reader = SceneReader(HFOV_DEG)
    for at_s, pitch in ((0.0, 15), (0.3, -15), (1.2, 15), (2.1, -15), (3.0, 15)):
        read = reader.read(Scene(at_s, WIDTH_PX, 720, (person(pitch=pitch),)))
        assert read.people[0].manner.gesture == ""


@pytest.mark.parametrize("deviation", [0.5, 2.0, 4.0])
def test_wavering_is_measured_through_a_nod(deviation: float) -> None:
    rng, wavering = np.random.default_rng(4), Wavering(9.0)
    assert wavering.deviation == 9.0, "not known yet"
    for frame in range(150):
        nod = 8 * wave(frame / 15, 3.0, 3, 2.0)
        wavering.add(nod + float(rng.normal(0, deviation)))
    assert wavering.deviation == pytest.approx(deviation, rel=0.35)


def test_a_face_that_wavers_more_must_swing_more() -> None:
    times = [frame / 15 for frame in range(36)]
    nods, still = [6 * wave(at_s, 1.0, 3, 2.0) for at_s in times], [0.0] * len(times)
    assert gestures.gesture(times, nods, still, (1.0, 1.0)) == "nodding"
    assert gestures.gesture(times, nods, still, (4.0, 1.0)) == ""


def test_frames_that_come_slowly_show_no_gesture(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [frame / 6 for frame in range(15)]
    nods, still = [12 * wave(at_s, 0.6, 3, 1.5) for at_s in times], [0.0] * len(times)
    assert gestures.gesture(times, nods, still, (0.4, 0.4)) == ""
    monkeypatch.setattr(gestures, "_LEAST_HZ", 0)
    assert gestures.gesture(times, nods, still, (0.4, 0.4)) == "nodding", "else these few would do"


def test_single_frames_that_are_off_are_no_swings_and_fast_small_nods_are() -> None:
    times = [frame / 15 for frame in range(36)]
    still = [0.0] * len(times)
    off = [9.0 * (-1) ** (frame // 5) if frame % 5 == 2 else 0.0 for frame in range(36)]
    assert gestures.gesture(times, off, still, (0.4, 0.4)) == ""
    fast = [5.0 * wave(at_s, 1.2, 3, 2.8) for at_s in times]
    assert gestures.gesture(times, fast, still, (0.4, 0.4)) == "nodding"


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60), st.floats(0.5, 20))
def test_swings_go_to_and_fro_and_are_large_enough(values: list[float], least: float) -> None:
    found = swings(range(len(values)), values, least)
    sizes = [each.size for each in found]
    assert all(abs(size) >= least for size in sizes)
    assert all(a * b < 0 for a, b in itertools.pairwise(sizes))
    assert all(each.start_s < each.end_s for each in found)
    assert bool(found) == (max(values) - min(values) >= least and _reaches(values, least))


def _reaches(values: list[float], least: float) -> bool:
    return any(abs(b - a) >= least for i, a in enumerate(values) for b in values[i + 1 :])
