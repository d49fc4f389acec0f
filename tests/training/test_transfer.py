"""Weights learned before arrive in the layers they were learned in."""

import json

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError, SettingsError
from tests.fit_builders import tiny_build
from training import recipes, transfer
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)
h5py = pytest.importorskip("h5py", reason="h5py is not installed")

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def filled(model, seed):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(weight.shape, dtype=np.float32) for weight in model.weights])
    return model


def alike(one, other):
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return bool(one.weights) and all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", recipes.NAMES)
def test_every_layer_of_a_recipe_arrives(tmp_path, name):
    recipe = recipes.load(name)
    source, target = (filled(recipe.build(5, size_px=16), seed) for seed in (1, 2))
    source.save_weights(str(tmp_path / "source.weights.h5"))
    transfer.copy_weights(tmp_path / "source.weights.h5", target)
    assert all(alike(*pair) for pair in zip(source.layers, target.layers, strict=True) if pair[0].weights)


@pytest.mark.parametrize("named", [True, False], ids=["with names", "as older Keras writes"])
def test_what_fits_is_taken_and_the_rest_left(tmp_path, named):
    path = tmp_path / "source.weights.h5"
    source, target = filled(tiny_build(18, size_px=16), 1), filled(tiny_build(26, size_px=24), 2)
    source.save_weights(str(path))
    if not named:
        with h5py.File(path, "r+") as file:
            for layer in file["layers"].values():
                layer["vars"].attrs.pop("name", None)
    logits = target.get_layer("logits").get_weights()
    transfer.copy_weights(path, target)
    for name in ("trunk_conv1", "trunk_conv2", "trunk_norm2", "head_narrow"):
        assert alike(source.get_layer(name), target.get_layer(name)), name
    for before, after in zip(logits, target.get_layer("logits").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_layer_of_another_name_is_left(tmp_path):
    path = tmp_path / "source.weights.h5"
    start = keras.Input((16, 16, 1))
    layer = keras.layers.Conv2D(6, 3, strides=2, padding="same", name="something")
    filled(keras.Model(start, layer(start)), 1).save_weights(str(path))
    with pytest.raises(SettingsError, match="No layer"):
        transfer.copy_weights(path, tiny_build(18))


@pytest.mark.parametrize("content", [None, b"", b"no weights"])
def test_file_that_is_none_is_said_so(tmp_path, content):
    if content is not None:
        (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(SettingsError, match=r"x\.h5"):
        transfer.copy_weights(tmp_path / "x.h5", tiny_build(18))


def test_origin_of_a_trunk_goes_along(tmp_path):
    assert transfer.trunk_of(tmp_path / "model.weights.h5") is None
    run = {"recipe": "vggface", "outputs": ["AU01"], "trunk": {"origin": "there", "licence": "MIT"}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert transfer.trunk_of(tmp_path / "model.weights.h5") == {"origin": "there", "licence": "MIT"}
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ModelError):
        transfer.trunk_of(tmp_path / "model.weights.h5")
