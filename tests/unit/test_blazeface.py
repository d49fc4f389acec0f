import hashlib
import json
from concurrent.futures import Future
from dataclasses import replace

import cv2
import numpy as np
import pytest

from assistant.errors import BackendError
from assistant.types import Frame, TensorSpec
from assistant.vision import blazeface
from assistant.vision.blazeface import BlazeFaceDetector, locate_in_crop
from tests.vision_builders import (
    ASTRONAUT_LANDMARKS,
    MODELS,
    astronaut,
    blazeface_runner,
    centre_of,
    frame,
    paste_astronaut,
)


class CountingRunner:
    """Pass on to a real runner and count the looks."""

    def __init__(self, name):
        self._runner = blazeface_runner(name)
        self.inputs, self.outputs, self.looks = self._runner.inputs, self._runner.outputs, 0

    def run(self, *arrays):
        self.looks += 1
        return self._runner.run(*arrays)


class InLine:
    """Stand for the thread of the full-range model: do at once what is asked."""

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


def both():
    """Return a detector with a full-range model of its own: a search may go on beside another detector's."""
    return BlazeFaceDetector(blazeface_runner("short"), blazeface_runner.__wrapped__("full"))


@pytest.mark.parametrize("name", ["blazeface_short", "blazeface_full"])
def test_a_vendored_model_is_what_its_manifest_says(name):
    folder = MODELS / name
    content = (folder / "model.tflite").read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["bytes"] == len(content)
    assert manifest["licence"] == "Apache-2.0"
    assert (folder / "card.md").is_file()
    runner = blazeface_runner(name.removeprefix("blazeface_"))
    for side, specs in (("inputs", runner.inputs), ("outputs", runner.outputs)):
        assert [TensorSpec(**(entry | {"shape": tuple(entry["shape"])})) for entry in manifest[side]] == list(specs)


@pytest.mark.parametrize(("size_px", "count"), [(128, 896), (192, 2304)])
def test_there_is_an_anchor_for_every_output(size_px, count):
    anchors = blazeface._anchors(size_px)
    assert anchors.shape == (count, 2)
    assert anchors.min() > 0
    assert anchors.max() < size_px


@pytest.mark.parametrize("offset", [0.0, 0.37, -20.5])
@pytest.mark.parametrize("side", [40.0, 128.0, 333.3, 900.0])
def test_a_square_is_sampled_where_it_lies(side, offset):
    """A ramp across the square tells the place: what is sampled must be the ramp at the square's own pixels."""
    left, top = 300 + offset, 250 + offset
    x, y = np.meshgrid(np.arange(1000), np.arange(700))
    ramp = np.stack([(x - left) / side * 200 + 20, (y - top) / side * 200 + 20, x * 0], -1).clip(0, 255)
    sampled = blazeface._sample(np.rint(ramp).astype(np.uint8), blazeface._Square(left, top, side), 128)[0]
    back = (sampled + 1) * 127.5
    expected = ((np.arange(128) + 0.5) / 128 - 0.5 / side) * 200 + 20
    across, down = left + np.arange(128) * side / 128 < 970, top + np.arange(128) * side / 128 < 670
    assert np.abs(back[20, :, 0] - expected)[across].max() < 1.4  # 1.6 is a step from one input pixel to the next
    assert np.abs(back[:, 10, 1] - expected)[down].max() < 1.4


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 6, 10])
def test_a_picture_shrunk_by_halves_first_is_the_picture_shrunk_at_once(factor):
    picture = np.random.default_rng(1).integers(0, 256, (12 * factor, 16 * factor, 3), dtype=np.uint8)
    expected = picture.reshape(12, factor, 16, factor, 3).mean((1, 3))
    assert np.abs(blazeface._shrunk(picture, (16, 12)) - expected).max() <= 1.0  # half a level for each rounding


def test_outside_the_picture_is_black():
    white = np.full((50, 50, 3), 255, np.uint8)
    assert (blazeface._sample(white, blazeface._Square(100.0, 100.0, 30.0), 128) == -1).all()
    half = blazeface._sample(white, blazeface._Square(-50.0, 0.0, 100.0), 128)[0]
    assert (half[:, :60] == -1).all()
    assert (half[8:56, 72:120] == 1).all()


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (3000, 600), (720, 1280)])
def test_tiles_cover_the_picture(size):
    covered = np.zeros(size[::-1], bool)
    for tile in blazeface._tiles(*size):
        assert tile.left >= 0
        assert tile.left + tile.side <= size[0]
        covered[round(tile.top) : round(tile.top + tile.side), round(tile.left) : round(tile.left + tile.side)] = True
    assert covered.all()


def test_a_mirrored_look_gives_the_picture_s_own_left_and_right():
    detector = both()
    square = blazeface._Square(125.0, 25.0, 200.0)
    plain, mirrored = (
        blazeface._merge(detector._find(blazeface_runner("short"), astronaut(), square, 0.5, flip))[0]
        for flip in (False, True)
    )
    assert mirrored[1:] == pytest.approx(plain[1:], abs=5)


def test_one_face_is_not_reported_twice():
    boxes = np.zeros((4, 17), np.float32)
    boxes[:, 0] = [0.8, 0.9, 0.7, 0.6]
    boxes[:, 1:5] = [[10, 10, 50, 50], [12, 10, 52, 50], [200, 10, 240, 50], [15, 15, 35, 35]]
    rows = blazeface._without_nested(blazeface._merge(boxes))
    assert rows[:, 0].tolist() == pytest.approx([0.9, 0.7])
    assert 10 < rows[0, 1] < 12


def test_a_steady_face_costs_one_full_range_look_a_frame_and_less_than_two_near_ones():
    short, full = CountingRunner("short"), CountingRunner("full")
    detector = BlazeFaceDetector(short, full)
    detector._far = InLine()
    picture = paste_astronaut((640, 300), 200)
    detector.detect(frame(picture, 0))
    short.looks = full.looks = 0
    for index in range(1, 11):
        assert len(detector.detect(frame(picture, index))) == 1
    assert full.looks == 10
    assert 10 <= short.looks <= 24


def test_what_comes_near_is_seen_in_the_second_frame_at_the_latest():
    for seen_before in range(2, 6):
        detector = both()
        for index in range(seen_before):
            detector.detect(frame(np.full((720, 1280, 3), 110, np.uint8), index))
        near = paste_astronaut((640, 300), 500)
        assert [len(detector.detect(frame(near, seen_before + more))) for more in range(4)][1:] == [1, 1, 1]


def test_where_frames_come_slowly_a_far_hint_is_followed_at_once():
    short, full = CountingRunner("short"), CountingRunner("full")
    detector = BlazeFaceDetector(short, full)
    detector.detect(frame(np.full((720, 1280, 3), 110, np.uint8), 0))
    picture = paste_astronaut((900, 400), 150)
    slow = [replace(frame(picture, index), captured_at_s=0.5 * index) for index in range(1, 3)]
    assert len(detector.detect(slow[0])) == 1
    assert short.looks >= 3, "whole, and twice closely"


def test_a_far_face_that_appears_is_found_soon_and_kept():
    detector = both()
    detector.detect(frame(np.full((720, 1280, 3), 110, np.uint8), 0))
    picture = paste_astronaut((900, 400), 40)
    found = [len(detector.detect(frame(picture, index))) for index in range(1, 20)]
    assert 1 in found[:12]
    assert all(found[found.index(1) :])


def test_a_face_that_goes_is_gone_in_the_same_frame():
    detector = both()
    assert len(detector.detect(frame(paste_astronaut((900, 400), 40), 0))) == 1
    assert detector.detect(frame(np.full((720, 1280, 3), 110, np.uint8), 1)) == ()


def test_a_new_picture_owes_nothing_to_the_last_one():
    pictures = [paste_astronaut((900, 400), 40), astronaut(), paste_astronaut((300, 300), 120, (640, 480))]
    detector = both()
    for number, picture in enumerate(pictures * 2):
        fresh = both().detect(frame(picture))
        again = detector.detect(frame(picture, 0, f"picture {number}"))
        assert [found.box_xyxy for found in again] == [found.box_xyxy for found in fresh]


def test_two_faces_close_together_stay_two():
    detector = both()
    picture = paste_astronaut((580, 300), 70)
    picture[:, 640:] = picture[:, 520:1160][:, :640]  # the same face again, 120 pixels to the right
    for index in range(8):
        assert len(detector.detect(frame(picture, index))) == 2


@pytest.mark.parametrize("size", [48, 96, 300])
def test_the_face_of_a_tight_crop_is_found(size):
    crop = cv2.resize(astronaut()[72:178, 172:278], (size, size), interpolation=cv2.INTER_AREA)
    found = locate_in_crop(both(), np.asarray(crop, np.uint8))
    assert found is not None
    expected = (ASTRONAUT_LANDMARKS - [172, 72]) * size / 106
    assert np.abs(found.landmarks_xy - expected).mean() < 0.05 * size
    assert min(found.box_xyxy) >= 0
    assert max(found.box_xyxy) <= size
    assert centre_of(found) == pytest.approx((size / 2, size / 2), abs=0.1 * size)


@pytest.fixture
def tilted():
    """Return a picture cut closely around a head that leans far to one side, and its landmarks."""
    matrix = cv2.getRotationMatrix2D((225, 120), 55, 1.0)
    turned = np.asarray(cv2.warpAffine(astronaut(), matrix, (512, 512))[80:160, 185:265], np.uint8)
    return turned, ASTRONAUT_LANDMARKS @ matrix[:, :2].T + matrix[:, 2] - [185, 80]


def test_many_looks_find_what_one_look_misses(tilted):
    picture, expected = tilted
    near = BlazeFaceDetector(blazeface_runner("short"), None, blazeface.SURE)
    resized = cv2.resize(picture, (192, 192), interpolation=cv2.INTER_CUBIC)
    assert near.detect(Frame(0, 0.0, np.asarray(blazeface._padded(resized, 56), np.uint8))) == ()
    found = locate_in_crop(near, picture)
    assert found is not None
    assert np.abs(found.landmarks_xy - expected)[:4].mean() < 0.08 * 80
    assert blazeface._LEAST_VOTE < found.score < 1


def candidate(score, left):
    """Return a row of a face 10 pixels wide."""
    return np.array([score, left, 0, left + 10, 10, *[left, 5] * 6], np.float32)


def test_a_look_has_one_vote_however_often_it_sees_a_face():
    looks = [np.array([candidate(0.9, 50)] * 5), np.array([candidate(0.6, 0)]), np.array([candidate(0.8, 2)])]
    elected = blazeface._elected(looks)
    assert elected[0] == pytest.approx(1.4 / 3)
    assert elected[1] == pytest.approx((0.6 * 0 + 0.8 * 2) / 1.4)


def test_a_face_that_few_looks_see_is_not_believed():
    nothing = np.zeros((0, 17), np.float32)
    assert blazeface._elected([np.array([candidate(0.9, 0)]), nothing, nothing]) is None
    assert blazeface._elected([nothing, nothing]) is None


def test_a_crop_without_a_face_gives_none():
    assert locate_in_crop(both(), np.full((48, 48, 3), 128, np.uint8)) is None


def test_looking_far_beside_looking_near_changes_nothing():
    beside, in_line = both(), both()
    in_line._far = InLine()
    for index in range(14):
        near = paste_astronaut((400 + 6 * index, 330), 150)
        scene = paste_astronaut((1000 - 4 * index, 250), 34, background=near)
        faces, expected = (detector.detect(frame(scene, index)) for detector in (beside, in_line))
        assert [face.box_xyxy for face in faces] == [face.box_xyxy for face in expected]
        assert len(faces) == 2


def test_a_full_range_model_that_fails_is_told_to_the_caller():
    class Failing(CountingRunner):
        def run(self, *arrays):
            raise BackendError("It hangs.", "Restart.")

    detector = BlazeFaceDetector(blazeface_runner("short"), Failing("full"))
    with pytest.raises(BackendError, match="It hangs"):
        detector.detect(frame(paste_astronaut((640, 300), 200), 0))


def test_many_hints_do_not_push_out_a_face_of_the_frame_before():
    """Only so many hints are looked at in a frame; those that were faces come first."""
    short, full = CountingRunner("short"), CountingRunner("full")
    detector = BlazeFaceDetector(short, full)
    scene = paste_astronaut((640, 300), 60)
    assert len(detector.detect(frame(scene, 0))) == 1
    junk = np.zeros((12, 17), np.float32)
    junk[:, 0] = 0.99
    junk[:, 1:5] = [[100 * n, 600, 100 * n + 40, 640] for n in range(12)]
    detector._search = lambda image, squares: junk
    for index in range(1, 4):
        assert len(detector.detect(frame(scene, index))) == 1


def test_a_still_face_stays_where_it_is_whatever_part_is_searched_for_far_ones():
    """The full-range model looks at another part in every frame; its hints must not pull at a known face."""
    detector, picture = both(), paste_astronaut((640, 300), 150)
    landmarks = [detector.detect(frame(picture, index))[0].landmarks_xy for index in range(20)][4:]
    assert np.abs(np.diff(landmarks, axis=0)).max() < 2.0
