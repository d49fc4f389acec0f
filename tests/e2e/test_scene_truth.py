"""What is told of a scene against what is so: a small version of benchmarks/scene_truth.py, on one photograph."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from assistant import locate
from assistant.inference.backends import litert
from assistant.types import Face, Frame, Manner, Place
from assistant.vision.blazeface import BlazeFaceDetector
from assistant.vision.scene import SceneReader
from benchmarks.scene_clips import HEIGHT_PX, WIDTH_PX, Actor, Clip, Gesture, Seen, Standing
from benchmarks.scene_truth import Looked, Tally, judge, look
from tests.app_builders import photograph

EYES_DM = 0.63
WALL = np.full((HEIGHT_PX, WIDTH_PX, 3), 140, np.uint8)


@pytest.fixture(scope="module")
def detector():
    short, full = (
        litert.Runner(next(locate.model_folder(name).glob("*.tflite")), 1)
        for name in ("blazeface_short", "blazeface_full")
    )
    return BlazeFaceDetector(short, full, 0.5)


@pytest.fixture(scope="module")
def heads(detector):
    return PhotographedHead(photograph(), detector)


class PhotographedHead:
    """Give the photograph's head for every angle, at the size of a head whose eyes are 63 mm apart."""

    def __init__(self, picture, detector):
        face = detector.detect(Frame(0, 0.0, picture))[0]
        right, left = face.landmarks_xy[:2]
        scale = 40 / (np.hypot(*(left - right)) / EYES_DM)  # to 40 pixels a decimetre
        middle = face.landmarks_xy[:4].mean(0)
        matrix = np.array([[scale, 0, 80 - scale * middle[0]], [0, scale, 64 - scale * middle[1]]])
        rgb = cv2.warpAffine(picture, matrix, (160, 160)) / np.float32(255)
        alpha = np.zeros((160, 160), np.float32)
        cv2.ellipse(alpha, (80, 60), (44, 58), 0, 0, 360, 1.0, -1)
        alpha = cv2.GaussianBlur(alpha, (0, 0), 2)[..., None]
        self._rgba = np.dstack([rgb * alpha, alpha]).astype(np.float32)

    def head(self, look, yaw_deg, pitch_deg):
        return self._rgba


def told(clip, heads, detector):
    tally = Tally()
    judge(clip, list(look(clip, heads, detector)), tally)
    return tally


def test_somebody_is_counted_and_placed(heads, detector):
    clip = Clip("crowd-0", (Actor(0, lambda t: Standing(10 + 4 * t, 1.2)),), 4.0, WALL)
    report = told(clip, heads, detector).report()
    assert report["frames_counted"] == 60
    assert report["count_right"] >= 0.99
    assert report["hour_right"] >= 0.9  # it walks over a boundary
    assert report["distance_within_15_percent"] >= 0.95
    assert report["facing_f1"] == 1.0
    assert report["gesture_f1"] is None, "nobody nods"


def test_two_who_cross_and_an_empty_room_are_counted(heads, detector):
    clip = Clip(
        "crossing-0",
        (Actor(0, lambda t: Standing(10 * t - 20, 0.9)), Actor(1, lambda t: Standing(20 - 10 * t, 1.8))),
        4.0,
        WALL,
    )
    report = told(clip, heads, detector).report()
    assert 20 < report["frames_counted"] < 60, "who is half hidden is not counted either way"
    assert report["count_right"] >= 0.95
    assert told(Clip("empty-0", (), 1.0, WALL), heads, detector).report()["count_right"] == 1.0


def test_who_is_not_found_is_a_wrong_count_and_a_missed_facing():
    seen = Seen(0, Standing(0, 1.0), 1.0, "")
    tally = Tally()
    clip = Clip("facing-0", (Actor(0, lambda _t: seen.standing),), 2.0, WALL)
    judge(clip, [Looked(at / 15, (), (seen,)) for at in range(30)], tally)
    assert tally.report()["count_right"] == 0.0
    assert tally.report()["facing_f1"] == 0.0


@pytest.mark.parametrize(
    ("told_s", "right_false_missed"),
    [((1.5, 2.0), [1, 0, 0]), ((2.5, 3.0), [1, 0, 0]), ((3.5, 3.8), [0, 1, 1]), ((9.0, 9.0), [0, 0, 1])],
)
def test_a_gesture_is_right_in_its_time_and_a_second_after(told_s, right_false_missed):
    standing = Standing(0, 1.0)
    face = Face((300.0, 220.0, 340.0, 260.0), np.zeros((6, 2), np.float32), 0.9, 1)

    class Nods(SceneReader):
        def read(self, scene):
            manner = Manner(True, "nodding" if told_s[0] <= scene.captured_at_s < told_s[1] else "")
            return replace(scene, people=(replace(scene.people[0], place=Place(0.0, 1.0), manner=manner),))

    tally = Tally()
    actor = Actor(0, lambda _t: standing, (Gesture("nodding", 1.0, 2.0),))
    looked = [Looked(at / 15, (face,), (Seen(0, standing, 1.0, ""),)) for at in range(60)]
    judge(Clip("gesture-0", (actor,), 4.0, WALL), looked, tally, Nods())
    assert tally.report()["nodding_right_false_missed"] == right_false_missed
