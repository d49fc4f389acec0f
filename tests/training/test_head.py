"""Retrain a head: the trunk stays, the head learns."""

import argparse
import json

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError, OutputError, SettingsError
from tests.fit_builders import SMILE, drawn_faces, tiny_build, tiny_registered, weights_of
from tests.training_builders import write_faces, write_run
from training import fit, head, metrics, predict, progress, recipes
from training.batches import gather
from training.losses import Layout
from training.runs import Run, load_keras, unit_logits

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

# Raised by PyTorch's tensors under NumPy 2, inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    with tiny_registered(monkeypatch):
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("cache"), drawn_faces(300))


def trained_run(folder, recipe="tiny", extra=18, size_px=24):
    """Write a run of random weights with outputs for emotions and face shapes, as `train` does."""
    folder.mkdir()
    keras.utils.set_random_seed(3)
    units = recipes.load(recipe).AUS
    outputs = [*units, *(f"emotion{i}" for i in range(8)), *(f"shape{i}" for i in range(extra))]
    recipes.load(recipe).build(len(outputs), size_px=size_px).save_weights(str(folder / "model.weights.h5"))
    settings = {"recipe": recipe, "size_px": size_px, "outputs": outputs, "trunk": {"origin": "x", "licence": "y"}}
    settings["teachers"] = ["somebody"]
    (folder / "run.json").write_text(json.dumps(settings))
    return folder


def options(run, data, *arguments):
    parser = argparse.ArgumentParser()
    head.add_arguments(parser)
    words = [str(run), "--data", str(data), "--threads", "1", "--precision", "float32", *map(str, arguments)]
    return parser.parse_args(words)


def test_trunk_stays_and_head_learns(tmp_path, data, monkeypatch, capsys):
    monkeypatch.setattr(head, "RATE", 1e-2)  # the trunk is of random weights, so the head has more to learn
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    run = trained_run(tmp_path / "run")
    assert head.run(options(run, data)) == 0
    out = tmp_path / "run-head"
    before, after = (weights_of(folder / "model.weights.h5") for folder in (run, out))
    for name, values in before.items():
        if name.startswith("trunk_"):
            np.testing.assert_array_equal(after[name], values)
    assert not np.array_equal(after["head_narrow/0"], before["head_narrow/0"])
    written = Run.load(out)
    assert written.settings["outputs"] == list(Run.load(run).settings["outputs"][:26])
    assert written.settings["trunk"] == {"origin": "x", "licence": "y"}
    assert written.settings["teachers"] == ["somebody"]
    assert written.size_px == 24
    faces = drawn_faces(300)
    held_out = faces.where(faces.annotated("valid", "test"))
    smiles = held_out.columns["au"][:, SMILE]
    assert metrics.roc_auc(smiles, unit_logits(written, held_out.crops)[:, SMILE]) > 0.9
    said = capsys.readouterr().out
    assert "faces seen by the trunk" in said
    assert "steps of the head" in said
    assert "left" in said


def test_same_seed_same_head(tmp_path, data, monkeypatch):
    monkeypatch.setattr(head, "LEAST_STEPS", 20)
    run = trained_run(tmp_path / "run")
    for name in ("one", "two"):
        head.run(options(run, data, "--out", tmp_path / name))
    one, two = (weights_of(tmp_path / name / "model.weights.h5") for name in ("one", "two"))
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(("recipe", "size_px"), [("compact", 16), ("vggface", 16), ("cnn12", 16)])
def test_every_recipe_can_be_cut_and_put_together(recipe, size_px):
    module = recipes.load(recipe)
    outputs = len(module.AUS) + 10
    model = module.build(outputs, size_px=size_px)
    below, above = head.divide(model, outputs - 6)
    assert not [layer for layer in below.layers if layer.name.startswith(head.HEAD)]
    assert not [layer for layer in above.layers if layer.name.startswith("trunk_")]
    whole = head.merge(module, size_px, model, above, outputs - 6)
    x = np.random.default_rng(0).normal(size=(2, size_px, size_px, module.CHANNELS)).astype(np.float32)
    apart, together = above(below(x, training=False), training=False), whole(x, training=False)
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(y) for y in (apart, together)), rtol=1e-4, atol=1e-5)


def test_features_are_those_of_plain_and_mirrored_faces(data):
    from training.faces import Faces, inputs

    faces = Faces.load(data)
    pool = gather(faces, faces.annotated("train"))
    below, _ = head.divide(tiny_build(18, size_px=24), 18)
    values = head.features(below, pool, 24, 1)
    assert values.shape == (2, len(pool.rows), 6, 6, 8)
    assert values.dtype == np.float16
    plain = inputs(faces.crops[pool.rows[-3:]], 24, 1)
    for side, picture in enumerate((plain, plain[:, :, ::-1])):
        found = keras.ops.convert_to_numpy(below(np.ascontiguousarray(picture), training=False))
        np.testing.assert_allclose(values[side, -3:], found, atol=2e-3)


def test_many_faces_are_seen_once_each_every_second_mirrored(data, monkeypatch):
    from training.faces import Faces

    monkeypatch.setattr(head, "BOTH_SIDES", 50)
    monkeypatch.setattr(head, "MOST_STEPS", 3)
    faces = Faces.load(data)
    pool = gather(faces, faces.annotated("train"))
    below, above = head.divide(tiny_build(18, size_px=24), 18)
    once = head.features(below, pool, 24, 1)
    monkeypatch.setattr(head, "BOTH_SIDES", len(pool.rows))
    both = head.features(below, pool, 24, 1)
    assert once.shape == (1, *both.shape[1:])
    np.testing.assert_allclose(once[0, 0::2], both[0, 0::2], atol=2e-3)
    np.testing.assert_allclose(once[0, 1::2], both[1, 1::2], atol=2e-3)
    head.fit_head(above, once, pool, Layout(18, 0, 0))


def test_head_learns_what_can_be_separated():
    faces = drawn_faces(200)
    pool = gather(faces, faces.annotated("train", "valid", "test"))
    labels = pool.units[:, SMILE]
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, len(labels), 1, 1, 8)).astype(np.float16)
    values[..., 0] += 3 * labels[None, :, None, None]
    start = keras.Input((1, 1, 8))
    last = keras.layers.Dense(18, kernel_initializer="zeros")  # random ones may lie farther off than 600 steps reach
    fresh = keras.Model(start, last(keras.layers.Flatten()(start)))
    learned = head.fit_head(fresh, values, pool, Layout(18, 0, 0))
    logits = keras.ops.convert_to_numpy(learned(values[0].astype(np.float32)))[:, SMILE]
    assert metrics.roc_auc((labels > 0.5).astype(np.int8), logits) > 0.93


def test_faults_are_said_so(tmp_path, data):
    with pytest.raises(ModelError, match=r"run\.json"):
        head.run(options(tmp_path, data))
    run = trained_run(tmp_path / "run")
    faces = drawn_faces(20)
    faces.columns["au"][:] = -2
    empty = write_faces(tmp_path / "empty", faces)
    with pytest.raises(fit.TrainingError, match="No face"):
        head.run(options(run, empty))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        head.run(options(run, data, "--out", tmp_path / "file"))


def test_predictions_are_calibrated_and_named(tmp_path):
    lines = {"AU12": {"a": 2.0, "b": 1.0}}
    run = write_run(tmp_path / "run", calibration=lines, known={"AU04": False})
    data = write_faces(tmp_path / "cache", drawn_faces(30))
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    out = tmp_path / "predictions.npz"
    words = [str(run), "--data", str(data), "--splits", "valid", "test", "--out", str(out)]
    assert predict.run(parser.parse_args(words)) == 0
    faces = drawn_faces(30)
    chosen = faces.columns["split"] != "train"
    with np.load(out) as written:
        assert written["names"].tolist() == faces.columns["names"][chosen].tolist()
        units = written["units"]
        assert written["votes"].shape == (len(units), 8)
    logits = unit_logits(Run.load(run), faces.crops[chosen])[:, SMILE]
    np.testing.assert_allclose(units[:, SMILE], 1 / (1 + np.exp(-(2 * logits + 1))), rtol=1e-4)
    assert np.isnan(units[:, 2]).all(), "AU04 is not known"
    assert list(tmp_path.glob("*.part")) == []
    with pytest.raises(OutputError, match="gone"):
        predict.run(parser.parse_args([*words[:-1], str(tmp_path / "gone" / "x.npz")]))


def test_head_that_reads_several_levels_is_refused():
    with pytest.raises(SettingsError, match="several levels"):
        head.divide(recipes.load("sface").build(18, size_px=32), 18)
