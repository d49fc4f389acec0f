"""Emotions told from the units alone: what the extra layer reads, and what it pulls at."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.errors import DependencyError
from assistant.facs import AU_ORDER
from tests.fit_builders import drawn_faces
from training import through
from training.batches import gather
from training.losses import EMOTIONS, Layout, combined
from training.runs import as_numpy, load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
UNITS = 4
LAYOUT = Layout(UNITS, 0, EMOTIONS, through=EMOTIONS)


def student():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(LAYOUT.outputs, name="logits")(inputs))


def target(count=32):
    random = np.random.default_rng(0)
    zeros = np.zeros((count, UNITS), np.float32)
    emotion = np.eye(EMOTIONS, dtype=np.float32)[random.integers(0, EMOTIONS, count)]
    shapes = np.zeros((count, 0), np.float32)
    return LAYOUT.target(zeros, zeros, zeros, zeros, emotion, shapes, np.zeros(count, np.float32))


def test_only_units_that_enough_annotated_faces_show_are_read():
    faces = drawn_faces(400)
    pool = gather(faces, np.asarray(faces.columns["split"]) == "train")
    read = through.read_units(pool)
    assert {AU_ORDER[i] for i in np.flatnonzero(read)} == {"AU04", "AU12"}
    few = gather(drawn_faces(60), np.ones(60, np.bool_))
    assert not through.read_units(few).any()


def test_what_is_told_depends_on_the_read_units_alone():
    bare = student()
    whole = through.learner(bare, np.array([1, 1, 0, 0], np.float32), EMOTIONS)
    whole.get_layer("through_units").set_weights([np.ones((UNITS, EMOTIONS)), np.zeros(EMOTIONS)])
    faces = np.random.default_rng(1).normal(0, 1, (5, 6)).astype(np.float32)
    before = as_numpy(whole(faces))
    kernel, bias = bare.get_layer("logits").get_weights()
    bias[2:] += 1.0  # units that are not read, and the emotions told from all features
    bare.get_layer("logits").set_weights([kernel, bias])
    after = as_numpy(whole(faces))
    assert np.array_equal(before[:, LAYOUT.outputs :], after[:, LAYOUT.outputs :])
    bias[0] += 1.0
    bare.get_layer("logits").set_weights([kernel, bias])
    assert not np.allclose(after[:, LAYOUT.outputs :], as_numpy(whole(faces))[:, LAYOUT.outputs :])


def test_training_moves_the_read_units_and_no_other():
    bare = student()
    whole = through.learner(bare, np.array([1, 0, 1, 0], np.float32), EMOTIONS)
    whole.compile(keras.optimizers.SGD(1.0), combined(LAYOUT, {"through": 4.0}))
    start = bare.get_layer("logits").get_weights()[0]
    faces = np.random.default_rng(2).normal(0, 1, (32, 6)).astype(np.float32)
    losses = [float(whole.train_on_batch(faces, target())) for _ in range(30)]
    moved = np.abs(bare.get_layer("logits").get_weights()[0] - start).max(0) > 1e-6
    assert moved[: LAYOUT.outputs].nonzero()[0].tolist() == [0, 2]
    assert losses[-1] < losses[0]


def test_without_emotions_the_student_stays_as_it_is():
    bare = student()
    assert through.learner(bare, np.ones(UNITS, np.float32), 0) is bare
