"""The network of the device against the trained one."""

import json

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError, OutputError
from assistant.facs import AU_ORDER
from tests.training_builders import made_faces, write_run
from training.faces import Faces, inputs
from training.runs import Run, device_network, load_keras, network, unit_logits
from training.runs import write_run as write_finished

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize(("recipe", "size_px"), [("compact", 16), ("cnn12", 16)])
def test_calibration_is_folded_in_exactly(tmp_path, recipe, size_px):
    rng = np.random.default_rng(0)
    lines = {unit: {"a": float(rng.uniform(0.5, 2)), "b": float(rng.normal())} for unit in AU_ORDER}
    run = Run.load(write_run(tmp_path, recipe, size_px, calibration=lines))
    crops = made_faces(4).crops
    device = device_network(run)
    assert device.input.shape[0] == 1
    assert device.output.shape == (1, 18)
    values = inputs(crops, run.size_px, run.recipe.CHANNELS)
    found = np.concatenate([numpy(device(value[None], training=False)) for value in values])
    a, b = (np.array([lines[unit][key] for unit in AU_ORDER]) for key in "ab")
    expected = a * unit_logits(run, crops) + b
    has = [unit in run.recipe.AUS for unit in AU_ORDER]
    np.testing.assert_allclose(found[:, has], expected[:, has], atol=1e-5)
    assert (found[:, np.invert(has)] == 0).all()


def test_units_are_found_by_name_not_by_place(tmp_path):
    folder = write_run(tmp_path)
    run = Run.load(folder)
    shuffled = list(reversed(run.settings["outputs"]))
    moved = Run(folder, {**run.settings, "outputs": shuffled})
    crops = made_faces(3).crops
    raw = numpy(network(run)(inputs(crops, 16, 3), training=False))
    for place, unit in enumerate(AU_ORDER):
        np.testing.assert_allclose(unit_logits(moved, crops)[:, place], raw[:, shuffled.index(unit)], rtol=1e-5)


def test_uncalibrated_run_keeps_its_logits(tmp_path):
    run = Run.load(write_run(tmp_path))
    crop = made_faces(1).crops
    found = numpy(device_network(run)(inputs(crop, 16, 3), training=False))
    np.testing.assert_allclose(found, unit_logits(run, crop), atol=1e-5)


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"recipe": "compact"}', '{"recipe": "compact", "outputs": ["x"]}']
)
def test_no_run_is_said_so(tmp_path, content):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ModelError, match=r"run\.json"):
        Run.load(tmp_path)


def test_missing_and_foreign_weights(tmp_path):
    run = Run.load(write_run(tmp_path))
    settings = {**run.settings, "recipe": "cnn12"}
    with pytest.raises(ModelError, match="does not fit"):
        network(Run(tmp_path, settings))
    (tmp_path / "model.weights.h5").unlink()
    with pytest.raises(ModelError, match=r"model\.weights\.h5"):
        network(run)


def test_writing_keeps_what_is_there(tmp_path):
    run = Run.load(write_run(tmp_path, trunk={"origin": "here"})).write(known={"AU01": True})
    assert json.loads((tmp_path / "run.json").read_text())["trunk"] == {"origin": "here"}
    assert run.settings["known"] == {"AU01": True}


def test_damaged_data_is_said_so(tmp_path):
    with pytest.raises(ModelError, match="prepare"):
        Faces.load(tmp_path)
    np.save(tmp_path / "crops.npy", np.zeros((2, 144, 144), np.uint8))
    (tmp_path / "table.npz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match="prepare"):
        Faces.load(tmp_path)
    np.savez(tmp_path / "table.npz", names=np.array(["a", "b"]))
    with pytest.raises(ModelError, match="group"):
        Faces.load(tmp_path)


def test_a_full_disk_keeps_the_run_that_was_there(tmp_path, monkeypatch):
    folder = write_run(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run = Run.load(folder)
    model = network(run)

    def full(*_, **__):
        raise RuntimeError("no space left")  # as h5py says it

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(OutputError, match="no space left"):
        write_finished(folder, model, run.settings)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_new_weights_do_not_stand_under_the_old_description(tmp_path, monkeypatch):
    folder = write_run(tmp_path / "run", calibration={})
    run = Run.load(folder)

    def full(*_, **__):
        raise OutputError("no space left", "")

    model = network(run)
    monkeypatch.setattr(Run, "write", full)
    with pytest.raises(OutputError):
        write_finished(folder, model, {"recipe": "compact", "outputs": list(AU_ORDER)})
    with pytest.raises(ModelError):
        Run.load(folder)
