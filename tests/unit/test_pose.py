import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.vision import pose
from assistant.vision.pose import head_pose
from tests.vision_builders import ASTRONAUT_LANDMARKS


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Return R = Ry Rx Rz written out by hand for x right, y down, z away from the camera."""
    y, p, r = np.radians([yaw_deg, pitch_deg, roll_deg])
    turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return turn @ nod @ tilt


def project(angles: tuple[float, float, float], pixels_a_mm: float = 0.7, distance_mm: float = np.inf) -> np.ndarray:
    """Return the mean head's landmarks as a camera sees them, orthographic or from a distance."""
    turned = pose._HEAD_MM @ rotation(*angles).T
    nearer = 1.0 if np.isinf(distance_mm) else distance_mm / (distance_mm + turned[:, 2:])
    return np.asarray(turned[:, :2] * nearer * pixels_a_mm + [320, 240], np.float32)


@given(yaw=st.floats(-75, 75), pitch=st.floats(-45, 45), roll=st.floats(-60, 60), scale=st.floats(0.05, 5))
def test_known_angles_come_back(yaw, pitch, roll, scale):
    assert head_pose(project((yaw, pitch, roll), scale)) == pytest.approx((yaw, pitch, roll), abs=0.1)


@given(yaw=st.floats(-40, 40), pitch=st.floats(-20, 20), roll=st.floats(-30, 30))
def test_perspective_at_conversation_distance_costs_few_degrees(yaw, pitch, roll):
    found = head_pose(project((yaw, pitch, roll), distance_mm=700))
    assert found == pytest.approx((yaw, pitch, roll), abs=8)


def test_signs_are_those_a_reader_of_face_expects():
    frontal = project((0, 0, 0))
    to_the_right, up = frontal.copy(), frontal.copy()
    to_the_right[2, 0] += 10  # the nose moves to the right of the picture
    up[2, 1] -= 10
    up[3, 1] -= 6
    assert head_pose(to_the_right)[0] > 3
    assert head_pose(up)[1] > head_pose(frontal)[1] + 3
    clockwise = frontal @ np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    assert clockwise[1, 1] > clockwise[0, 1]  # the eye on the right of the picture is the lower one
    assert head_pose(clockwise)[2] == pytest.approx(np.degrees(0.3), abs=0.1)


def test_a_frontal_photograph_is_nearly_frontal():
    yaw, pitch, roll = head_pose(ASTRONAUT_LANDMARKS)
    assert abs(yaw) < 10
    assert abs(pitch) < 12
    assert abs(roll) < 10


@pytest.mark.parametrize(
    "landmarks",
    [
        np.zeros((6, 2), np.float32),
        np.full((6, 2), 1e6, np.float32),
        np.full((6, 2), np.nan, np.float32),
        np.full((6, 2), np.inf, np.float32),
        np.column_stack([np.arange(6), np.zeros(6)]).astype(np.float32),
    ],
    ids=["zeros", "one point", "nan", "infinite", "one line"],
)
def test_what_is_no_face_looks_straight_ahead(landmarks):
    assert head_pose(landmarks) == (0.0, 0.0, 0.0)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=12, max_size=12))
def test_any_landmarks_give_angles_in_range(values):
    yaw, pitch, roll = head_pose(np.array(values, np.float32).reshape(6, 2))
    assert -180 <= yaw <= 180
    assert -90 <= pitch <= 90
    assert -180 <= roll <= 180


def test_the_fit_in_closed_form_is_that_of_the_singular_values():
    random = np.random.default_rng(0)
    for _ in range(300):
        points = random.normal(size=(6, 2)) * random.uniform(1, 100) + random.normal(size=2) * 300
        found = pose._fit(points.astype(np.float32))
        left, size, right = np.linalg.svd((pose._SOLVE @ points.astype(np.float32)).T, full_matrices=False)
        assert found is not None
        assert found[0] == pytest.approx(left @ right, abs=1e-6)
        assert found[1] == pytest.approx(size.mean(), rel=1e-6)
