import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assistant.vision.align import CONTRAST, align_face, normalise, similarity, whole_image_landmarks
from tests.vision_builders import ASTRONAUT_LANDMARKS, astronaut

EYES_AND_MOUTH = [0, 1, 3]


def in_crop(landmarks, size_px, margin=0.0):
    return landmarks @ similarity(landmarks, size_px, margin)[:, :2].T + similarity(landmarks, size_px, margin)[:, 2]


def moved(landmarks, scale=1.0, roll_deg=0.0, shift=(0.0, 0.0)):
    """Return a 2x3 similarity and the landmarks it gives."""
    cos, sin = scale * np.cos(np.radians(roll_deg)), scale * np.sin(np.radians(roll_deg))
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    return matrix, np.asarray(landmarks @ matrix[:, :2].T + matrix[:, 2], np.float32)


@given(st.floats(0.1, 8), st.floats(-180, 180), st.floats(-500, 500), st.floats(-500, 500))
def test_eyes_and_mouth_lie_at_the_same_places_however_the_face_lies(scale, roll_deg, x, y):
    _, landmarks = moved(ASTRONAUT_LANDMARKS, scale, roll_deg, (x, y))
    assert in_crop(landmarks, 112)[EYES_AND_MOUTH] == pytest.approx(
        in_crop(ASTRONAUT_LANDMARKS, 112)[EYES_AND_MOUTH], abs=0.1
    )


def test_the_face_stands_upright_in_the_middle_of_the_crop():
    right_eye, left_eye, mouth = in_crop(ASTRONAUT_LANDMARKS, 100)[EYES_AND_MOUTH]
    assert right_eye[1] == pytest.approx(left_eye[1], abs=3)
    assert (right_eye[0] + left_eye[0]) / 2 == pytest.approx(50, abs=3)
    assert mouth == pytest.approx([50, 74], abs=4)
    assert left_eye[0] - right_eye[0] == pytest.approx(38, abs=3)


@pytest.mark.parametrize("size_px", [48, 112])
@pytest.mark.parametrize(("scale", "roll_deg"), [(0.7, 0.0), (1.5, 20.0), (3.0, -30.0), (1.0, 45.0)])
def test_the_same_face_gives_the_same_crop(size_px, scale, roll_deg):
    matrix, landmarks = moved(ASTRONAUT_LANDMARKS - [225, 125], scale, roll_deg, (400, 400))
    matrix[:, 2] -= matrix[:, :2] @ [225, 125]
    picture = cv2.warpAffine(astronaut(), matrix, (800, 800), flags=cv2.INTER_AREA)
    plain = align_face(astronaut(), ASTRONAUT_LANDMARKS, size_px).astype(float)
    turned = align_face(np.asarray(picture, np.uint8), landmarks, size_px).astype(float)
    assert np.corrcoef(plain.ravel(), turned.ravel())[0, 1] > 0.97
    assert np.abs(plain - turned).mean() < 8


def test_the_crop_is_grey_and_its_parts_are_those_of_the_face():
    crop = align_face(astronaut(), ASTRONAUT_LANDMARKS, 112)
    assert crop.shape == (112, 112)
    assert crop.dtype == np.uint8
    eye, cheek = crop[34:43, 28:42].min(), crop[58:68, 30:40].mean()
    teeth, lip = crop[78:88, 50:62].max(), crop[76:90, 45:67].min()
    assert eye < cheek - 60
    assert teeth > lip + 60


def test_a_margin_shows_more_around_the_same_face():
    wide = align_face(astronaut(), ASTRONAUT_LANDMARKS, 140, margin=0.125)
    plain = align_face(astronaut(), ASTRONAUT_LANDMARKS, 112)
    assert np.abs(wide[14:126, 14:126].astype(float) - plain).mean() < 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 600), (600, 1), (2, 2), (30, 30)])
def test_a_picture_of_any_shape_gives_a_crop(shape):
    picture = np.full((*shape, 3), 77, np.uint8)
    for landmarks in (ASTRONAUT_LANDMARKS, whole_image_landmarks(*shape)):
        crop = align_face(picture, landmarks, 48)
        assert crop.shape == (48, 48)
        assert np.unique(crop).tolist() == [77]


@pytest.mark.parametrize(
    "landmarks", [np.zeros((6, 2)), np.full((6, 2), 300.0), np.full((6, 2), 1e7), -ASTRONAUT_LANDMARKS * 50]
)
def test_landmarks_that_are_no_face_or_outside_do_no_harm(landmarks):
    crop = align_face(astronaut(), np.asarray(landmarks, np.float32), 112)
    assert crop.shape == (112, 112)


def test_the_whole_picture_as_a_face_fills_the_crop():
    crop = align_face(astronaut()[59:175, 166:282], whole_image_landmarks(116, 116), 96)
    found = align_face(astronaut(), ASTRONAUT_LANDMARKS, 96)
    assert np.corrcoef(crop.ravel().astype(float), found.ravel())[0, 1] > 0.6


def test_light_and_gain_do_not_matter():
    crop = np.random.default_rng(0).integers(40, 120, (48, 48)).astype(np.uint8)
    brighter = np.asarray(crop * 1.5 + 30, np.uint8)
    assert np.abs(normalise(crop) - normalise(brighter)).max() < 0.06


def test_a_blank_crop_stays_blank():
    assert not normalise(np.full((48, 48), 200, np.uint8)).any()


@given(arrays.arrays(np.uint8, (12, 12)))
@settings(max_examples=60)
def test_values_are_exactly_what_eight_bits_hold(crop):
    values = normalise(crop)
    steps = values.astype(np.float64) * CONTRAST
    assert values.dtype == np.float32
    assert np.abs(steps - np.rint(steps)).max() < 1e-4
    assert steps.min() >= -128.001
    assert steps.max() <= 127.001


@pytest.mark.parametrize(("height_px", "width_px"), [(48, 48), (720, 1280), (1, 1)])
def test_whole_image_landmarks_scale_with_the_picture(height_px, width_px):
    landmarks = whole_image_landmarks(height_px, width_px)
    assert landmarks.shape == (6, 2)
    assert landmarks / [width_px, height_px] == pytest.approx(whole_image_landmarks(1, 1))
    assert landmarks[0, 0] < landmarks[1, 0]  # the person's right eye is on the left of the picture
