"""The fused batch normalisation against Keras' own."""

from functools import partial

import numpy as np
import pytest

from assistant.errors import DependencyError
from training.fused import batch_normalization, conv2d, depthwise_conv2d, prelu
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


def test_prelu_is_that_of_keras():
    ours, theirs = (kind() for kind in (prelu, lambda: keras.layers.PReLU(shared_axes=[1, 2])))
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    slopes = np.array([0.1, 0.25, 0.9], np.float32).reshape(1, 1, 3)
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.set_weights([slopes])
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs)), rtol=1e-6)
    assert type(ours).__name__ == "PReLU", "its weights are saved under this name"


KINDS = {
    "full": (partial(conv2d, 6), partial(keras.layers.Conv2D, 6)),
    "depth": (depthwise_conv2d, keras.layers.DepthwiseConv2D),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_is_that_of_keras(kind, size, stride, padding, bias):
    options = {"strides": stride, "padding": padding, "use_bias": bias, "activation": "relu"}
    ours, theirs = (make(size, **options) for make in KINDS[kind])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 8, 12, 3)).astype(np.float32)
    for layer in (ours, theirs):
        layer.build(x.shape)
    weights = [rng.normal(size=weight.shape).astype(np.float32) for weight in theirs.get_weights()]
    for layer in (ours, theirs):
        layer.set_weights(weights)
    said, expected = (keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs))
    assert said.shape == expected.shape
    np.testing.assert_allclose(said, expected, atol=1e-5)
    assert type(ours).__name__ == type(theirs).__name__, "its weights are saved under this name"
