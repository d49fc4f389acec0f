"""The masked loss against the formulas in NumPy."""

import numpy as np
import pytest

from assistant.errors import DependencyError
from training.losses import EMOTIONS, Layout, binary, combined
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
N, K = 3, 2
LAYOUT = Layout(N, K)
ALL = {"au": 1.0, "soft": 0.7, "emotion": 0.5, "shape": 0.3}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cross(y, x):
    return -(y * np.log(sigmoid(x)) + (1 - y) * np.log(1 - sigmoid(x)))


def evaluate(target, logits, weights=ALL, kind="bce", layout=LAYOUT):
    loss = combined(layout, weights, kind)
    return keras.ops.convert_to_numpy(loss(keras.ops.convert_to_tensor(target), keras.ops.convert_to_tensor(logits)))


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    return {
        "units": rng.integers(0, 2, (4, N)).astype(np.float32),
        "unit_weight": np.array([[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 1]], np.float32),
        "soft": rng.random((4, N), dtype=np.float32),
        "soft_weight": np.array([[0.3, 0.3, 0], [0, 1, 0.3], [1, 1, 1], [0, 0, 0]], np.float32),
        "emotion": np.array([[4, 6, *[0] * 6], [0] * 8, [10, *[0] * 7], [1] * 8], np.float32),
        "shapes": rng.random((4, K), dtype=np.float32),
        "has_shapes": np.array([1, 0, 1, 0], np.float32),
    }


@pytest.fixture
def logits():
    return np.random.default_rng(1).normal(0, 2, (4, LAYOUT.outputs)).astype(np.float32)


def test_layout_counts_its_columns(parts):
    assert LAYOUT.outputs == N + EMOTIONS + K
    assert LAYOUT.target(**parts).shape == (4, LAYOUT.columns)
    assert LAYOUT.target(**parts).dtype == np.float32
    assert Layout(N, 0, 0).outputs == N
    assert Layout(N, 0, 0).target(**parts).shape == (4, Layout(N, 0, 0).columns)


def test_sum_of_the_parts_is_that_of_the_formulas(parts, logits):
    units, emotion, shapes = np.split(logits, [N, N + EMOTIONS], axis=1)
    au = (cross(parts["units"], units) * parts["unit_weight"]).sum(1) / N
    soft = (cross(parts["soft"], units) * parts["soft_weight"]).sum(1) / N
    votes = parts["emotion"] / np.maximum(parts["emotion"].sum(1, keepdims=True), 1e-9)
    softmax = np.exp(emotion) / np.exp(emotion).sum(1, keepdims=True)
    entropy = -(votes * np.log(softmax)).sum(1)
    shape = cross(parts["shapes"], shapes).mean(1) * parts["has_shapes"]
    expected = au + 0.7 * soft + 0.5 * 0.25 * entropy + 0.3 * shape
    np.testing.assert_allclose(evaluate(LAYOUT.target(**parts), logits), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bce", "focal", "asymmetric"])
def test_what_is_missing_pulls_at_nothing(parts, logits, kind):
    """Logits and targets without a weight may be anything: the loss is bit for bit the same."""
    moved, changed = logits.copy(), {name: part.copy() for name, part in parts.items()}
    for row in range(4):
        for unit in range(N):
            if not parts["unit_weight"][row, unit]:
                changed["units"][row, unit] = 1 - changed["units"][row, unit]
            if not parts["soft_weight"][row, unit]:
                changed["soft"][row, unit] = 1 - changed["soft"][row, unit]
            if not parts["unit_weight"][row, unit] and not parts["soft_weight"][row, unit]:
                moved[row, unit] += 3
        if not parts["has_shapes"][row]:
            moved[row, N + EMOTIONS :] -= 5
        if not parts["emotion"][row].any():
            moved[row, N : N + EMOTIONS] += np.arange(EMOTIONS)
    before = evaluate(LAYOUT.target(**parts), logits, kind=kind)
    np.testing.assert_array_equal(evaluate(LAYOUT.target(**changed), moved, kind=kind), before)


def test_part_without_weight_is_left_out(parts, logits):
    only = evaluate(LAYOUT.target(**parts), logits, {"au": 1.0})
    moved = logits.copy()
    moved[:, N:] = 9
    np.testing.assert_array_equal(evaluate(LAYOUT.target(**parts), moved, {"au": 1.0}), only)
    small = Layout(N, 0, 0)
    np.testing.assert_allclose(evaluate(small.target(**parts), logits[:, :N], {"au": 1.0}, layout=small), only)


def test_face_without_anything_costs_nothing(logits):
    empty = np.zeros((4, LAYOUT.columns), np.float32)
    np.testing.assert_array_equal(evaluate(empty, logits), 0)


@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-3.0, -0.2, 0.0, 1.5])
def test_kinds_against_their_papers(target, logit):
    p = sigmoid(logit)
    found = {
        kind: float(binary(keras.ops.convert_to_tensor([target]), keras.ops.convert_to_tensor([logit]), kind)[0])
        for kind in ("bce", "focal", "asymmetric")
    }
    p_t = p if target else 1 - p
    assert found["bce"] == pytest.approx(-np.log(p_t), rel=1e-5)
    assert found["focal"] == pytest.approx(-((1 - p_t) ** 2) * np.log(p_t), rel=1e-5)
    shifted = max(p - 0.05, 0)
    expected = -np.log(p) if target else -(shifted**4) * np.log(1 - shifted)
    assert found["asymmetric"] == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_extreme_logits_stay_finite():
    target, logits = np.array([0.0, 1.0, 0.5], np.float32), np.array([80.0, -80.0, 80.0], np.float32)
    for kind in ("bce", "focal", "asymmetric"):
        tensors = (keras.ops.convert_to_tensor(value) for value in (target, logits))
        assert np.isfinite(keras.ops.convert_to_numpy(binary(*tensors, kind))).all()


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="hinge"):
        binary(keras.ops.zeros(1), keras.ops.zeros(1), "hinge")
