"""The fused batch normalisation against Keras' own."""

import numpy as np
import pytest

from assistant.errors import DependencyError
from training.norm import batch_normalization
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def networks(**options):
    """Return the same small network with our layer and with Keras' own."""
    made = []
    for kind in (batch_normalization, keras.layers.BatchNormalization):
        keras.utils.set_random_seed(0)
        start = keras.Input((6, 6, 3))
        x = keras.layers.Conv2D(4, 3)(start)
        x = kind(momentum=0.8, name="norm", **options)(x)
        model = keras.Model(start, keras.layers.Dense(1)(keras.layers.Flatten()(keras.layers.ReLU()(x))))
        model.compile(keras.optimizers.SGD(0.05), "mse")
        made.append(model)
    return made


def test_steps_are_those_of_keras():
    rng = np.random.default_rng(0)
    ours, theirs = networks()
    count = 16 * 4 * 4
    for _ in range(5):
        x, y = rng.normal(2, 3, (16, 6, 6, 3)).astype(np.float32), rng.normal(size=(16, 1)).astype(np.float32)
        losses = [model.train_on_batch(x, y) for model in (ours, theirs)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        # PyTorch follows the variance with n - 1 in the denominator, Keras with n.
        tolerance = 1.5 / count if one.path.endswith("moving_variance") else 1e-4
        values = [keras.ops.convert_to_numpy(weight) for weight in (one, other)]
        np.testing.assert_allclose(*values, rtol=tolerance, atol=1e-5)
    again = [keras.ops.convert_to_numpy(model(x, training=False)) for model in (ours, theirs)]
    np.testing.assert_allclose(*again, rtol=5e-3, atol=1e-3)


def test_frozen_layer_follows_nothing():
    ours, _ = networks()
    ours.get_layer("norm").trainable = False
    ours.compile(keras.optimizers.SGD(0.05), "mse")
    before = ours.get_layer("norm").get_weights()
    ours.train_on_batch(np.ones((4, 6, 6, 3), np.float32) * 9, np.ones((4, 1), np.float32))
    for one, other in zip(before, ours.get_layer("norm").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_are_saved_as_those_of_the_plain_layer(tmp_path):
    ours, theirs = networks()
    ours.get_layer("norm").set_weights([np.full(4, value, np.float32) for value in (1, 2, 3, 4)])
    ours.save_weights(str(tmp_path / "x.weights.h5"))
    theirs.load_weights(str(tmp_path / "x.weights.h5"))
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
