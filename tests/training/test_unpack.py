"""A run made of a model file computes what the file does; the file here is made by the test, without TensorFlow."""

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from assistant.inference.manifest import Manifest
from tests.model_builders import GOLDEN, model_folder
from tests.vision_builders import MODELS
from training import recipes, unpack
from training.runs import load_keras

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def stored_of(model):
    """Return what a converted file of this model would hold: kernels with the normalisation merged in."""
    found, norms = [], [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            kernel, *bias = layer.get_weights()
            sides = layer.output.shape[1:-1]
            if bias:
                found.append((kernel, bias[0], sides))
                continue
            (norm,) = (norm for norm in norms if norm.input is layer.output)
            gain, shift, mean, variance = norm.get_weights()
            factor = gain / np.sqrt(variance + norm.epsilon)
            found.append((kernel * factor, shift - mean * factor, sides))
    return found


def one_path_first(stored):
    """Return the same, the small path of `vggface` first, as a converter may write it: the order says nothing."""
    side = [each for each in stored if each[0].shape[-1] in (32, 192)]
    return [*side, *(each for each in stored if not any(each is other for other in side))]


@pytest.mark.parametrize(
    ("name", "order"), [("compact", list), ("vggface", list), ("vggface", one_path_first)], ids=str
)
def test_merged_normalisation_and_extra_outputs(tmp_path, name, order):
    rng = np.random.default_rng(0)
    recipe = recipes.load(name)
    trained, fresh = recipe.build(18, size_px=16), recipe.build(26, size_px=16)
    for layer in trained.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    unpack.install(fresh, order(stored_of(trained)), tmp_path)
    x = rng.normal(size=(2, 16, 16, 3)).astype(np.float32)
    ours, theirs = (keras.ops.convert_to_numpy(model(x, training=False)) for model in (fresh, trained))
    np.testing.assert_allclose(ours[:, :18], theirs, rtol=1e-3, atol=1e-4)
    assert (ours[:, 18:] == 0).all()


def test_a_run_names_who_taught_the_model():
    manifest = Manifest.load(MODELS / "compact")
    written = unpack._settings(manifest, "compact", [])
    assert written["teachers"] == manifest.training["teachers"] != []
    assert written["mirrored"] == manifest.mirrored
    assert written["calibrated_on"] == manifest.training["calibrated_on"]


def test_reads_the_numbers_of_the_golden_model():
    with np.load(GOLDEN / "tiny_int8.npz") as file:
        assert len(file.files)
    stored = unpack.read_weights(GOLDEN / "tiny_int8.tflite")
    assert stored[-1][0].shape[1] == 18
    assert stored[-1][2] == ()
    assert all(kernel.shape[-1] == len(bias) for kernel, bias, _ in stored)


@pytest.mark.parametrize("cut", [slice(0, -1), slice(1, None)])
def test_weights_that_do_not_fit(tmp_path, cut):
    model = recipes.load("compact").build(18, size_px=16)
    with pytest.raises(ModelError, match="does not fit"):
        unpack.install(model, stored_of(model)[cut], tmp_path)


def test_more_outputs_than_the_network_has(tmp_path):
    stored = stored_of(recipes.load("compact").build(20, size_px=16))
    with pytest.raises(ModelError, match="does not fit its recipe: logits"):
        unpack.install(recipes.load("compact").build(18, size_px=16), stored, tmp_path)


def test_more_weights_than_layers(tmp_path):
    model = recipes.load("compact").build(18, size_px=16)
    stored = stored_of(model)
    with pytest.raises(ModelError, match="1 layers more"):
        unpack.install(model, [*stored, stored[-1]], tmp_path)


def test_a_model_of_another_making_is_refused(tmp_path):
    with pytest.raises(ModelError, match="names no recipe"):
        unpack.unpack(model_folder(tmp_path), tmp_path / "out")


def test_a_model_that_is_not_its_recipe_is_refused(tmp_path):
    folder = model_folder(tmp_path, training={"recipe": "compact"})
    with pytest.raises(ModelError, match="does not fit"):
        unpack.unpack(folder, tmp_path / "out")
