"""The networks have the sizes and the names that everything after training relies on."""

import importlib
from itertools import pairwise

import numpy as np
import pytest

from assistant.errors import DependencyError, SettingsError
from assistant.facs import AU_ORDER
from training import recipes
from training.losses import Layout
from training.runs import as_numpy, load_keras
from training.trunks import LAYERS

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

MIB = 2**20


def count(model, start=""):
    return sum(int(np.prod(weight.shape)) for la in model.layers if la.name.startswith(start) for weight in la.weights)


def test_cnn12_is_the_network_of_the_beginnings():
    recipe = recipes.load("cnn12")
    model = recipe.build()
    assert model.count_params() == 5_786_192
    assert model.input.shape[1:] == (96, 96, 1)
    assert model.output.shape[1:] == (12,)
    layers = [type(layer).__name__ for layer in model.layers]
    block = ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout"]
    assert layers == ["InputLayer", *(block * 4), "Flatten", "Dense", "Dense"]
    assert [la.filters for la in model.layers if isinstance(la, keras.layers.Conv2D)] == [
        32, 32, 64, 64, 128, 128, 256, 256,
    ]  # fmt: skip
    assert {la.kernel_size for la in model.layers if isinstance(la, keras.layers.Conv2D)} == {(3, 3)}
    assert {la.rate for la in model.layers if isinstance(la, keras.layers.Dropout)} == {0.2}
    assert model.get_layer("places").output.shape[1:] == (9216,)
    assert model.get_layer("head_dense").units == 500
    assert recipe.PLAN.optimiser == "sgd"
    assert [(stage.batch, stage.rate) for stage in recipe.PLAN.stages] == [(128, 0.01)]
    assert len(recipe.AUS) == 12
    assert set(recipe.AUS) < set(AU_ORDER)


def test_cnn12_notices_when_it_is_changed(monkeypatch):
    module = importlib.import_module("training.recipes.cnn12")
    monkeypatch.setattr(module, "PARAMETERS", 5_786_193)
    with pytest.raises(AssertionError, match="original"):
        module.build()
    module.build(12, size_px=16)
    module.build(18, size_px=16)


def test_cnn12_is_trained_on_its_units_alone():
    from tests.fit_builders import drawn_faces
    from training.batches import gather
    from training.fit import layout_of

    faces = drawn_faces(10)
    pool = gather(faces, np.ones(10, np.bool_))
    assert layout_of(recipes.load("cnn12"), pool) == Layout(12, 0, 0)
    assert layout_of(recipes.load("vggface"), pool) == Layout(18, 18, 8)
    assert layout_of(recipes.load("compact"), pool).outputs == 44


def test_vggface_has_the_trunk_of_vgg16_and_a_small_path():
    model = recipes.load("vggface").build(18)
    assert model.input.shape[1:] == (112, 112, 3)
    assert model.output.shape[1:] == (18,)
    convolutions = [layer for layer in model.layers if layer.name.startswith("trunk_conv")]
    assert [layer.name for layer in convolutions] == [f"trunk_conv{name}" for name in LAYERS]
    widths = [layer.filters for layer in convolutions]
    assert widths == [64, 64, 128, 128, 256, 256, 256, 464, 464, 464]
    assert count(model, "trunk_conv") == sum(9 * a * b + b for a, b in pairwise([3, *widths]))
    assert convolutions[-1].output.shape[1:] == (14, 14, 464)
    side = [layer for layer in model.layers if layer.name.startswith("trunk_side_conv")]
    small = [layer for layer in recipes.load("compact").build(18).layers if layer.name.startswith("trunk_conv")]
    assert [layer.kernel.shape for layer in side] == [layer.kernel.shape for layer in small]
    assert model.get_layer("both").output.shape[1:] == (7, 7, 464 + 192)
    assert count(model) < 7.9e6, "int8 weights fit an Edge TPU's memory"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # PyTorch's tensors under NumPy 2
def test_vggface_begins_as_the_head_it_had_before_it_looked_around():
    keras.utils.set_random_seed(1)
    model = recipes.load("vggface").build(5, size_px=32)
    parts = [model.get_layer(name).output for name in ("head_narrow", "head_relu")]
    faces = np.random.default_rng(1).normal(size=(2, 32, 32, 3)).astype(np.float32)
    before, after = (as_numpy(part) for part in keras.Model(model.input, parts)(faces))
    assert before.any()
    np.testing.assert_array_equal(after, before)


def test_compact_is_small_and_plain():
    recipe = recipes.load("compact")
    model = recipe.build(18)
    assert model.input.shape[1:] == (112, 112, 3)
    assert count(model) < 1.5 * MIB
    assert {type(layer).__name__ for layer in model.layers} <= {
        "InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Flatten", "Dropout", "Dense",
    }  # fmt: skip


@pytest.mark.parametrize("name", recipes.NAMES)
def test_recipe_has_what_the_commands_ask_for(name):
    recipe = recipes.load(name)
    assert name == recipe.NAME
    model = recipe.build(5, batch_size=1, size_px=32)
    assert model.input.shape == (1, 32, 32, recipe.CHANNELS)
    assert model.output.shape == (1, 5)
    assert model.layers[-1].name == "logits"
    assert model.layers[-1].activation is keras.activations.linear
    assert model.layers[-1].dtype_policy.name == "float32"
    names = [layer.name for layer in model.layers[1:]]
    heads = [name.startswith(("head_", "places", "logits")) for name in names]
    assert heads == sorted(heads), "the head comes after the trunk"
    assert any(name.startswith("trunk_") for name in names)
    assert all(stage.size_px % 16 == 0 for stage in recipe.PLAN.stages)
    assert recipe.PLAN.stages[-1].size_px == recipe.SIZE_PX
    prefixes = tuple(prefix for stage in recipe.PLAN.stages for prefix in stage.frozen)
    assert all(any(name.startswith(prefix) for name in names) for prefix in prefixes)


def test_unknown_recipe_lists_those_there_are():
    with pytest.raises(SettingsError, match="compact"):
        recipes.load("os")
