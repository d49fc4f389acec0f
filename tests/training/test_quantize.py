"""Drawing the representative faces, comparing 8 bits with float, and what is said when TensorFlow is missing."""

import argparse
import json
import os
import sys

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from assistant.facs import AU_ORDER
from assistant.inference.au_model import QuantisedActionUnitModel
from assistant.inference.backends.litert import Runner
from assistant.vision.align import align_face, normalise
from tests.model_builders import GOLDEN, TINY_INPUT, ScriptedRunner, manifest
from tests.training_builders import made_faces, write_faces, write_run
from training import edgetpu_ops, quantize
from training.export import write_folder, write_movidius
from training.faces import inputs
from training.runs import Run, unit_logits
from training.splits import LeakError
from training.unpack import unpack

TENSORFLOW = os.environ.get("FACECUE_TENSORFLOW_PYTHON", sys.executable)


def test_representative_faces_are_of_training_people_and_reach_both_ends():
    faces = made_faces(60, sources=("a", "b", "c"))
    values = quantize.representative(faces, 16, 3, count=12)
    assert values.shape == (12, 16, 16, 3)
    assert values.min() == np.float32(-2.56)
    assert values.max() == np.float32(2.54)
    train = inputs(faces.crops[faces.columns["split"] == "train"], 16, 3)
    for value in values[1:]:
        assert (value == train).all((1, 2, 3)).any()


def test_every_source_is_represented_alike():
    faces = made_faces(200, sources=("a", "a", "a", "a", "b"))
    train = faces.columns["split"] == "train"
    values = quantize.representative(faces, 16, 1, count=20)
    of_b = inputs(faces.crops[train & (faces.source == "b")], 16, 1)
    found = sum(bool((value == of_b).all((1, 2, 3)).any()) for value in values)
    assert found >= min(9, len(of_b) - 1)


def test_representative_refuses_a_person_in_two_splits():
    faces = made_faces(20)
    faces.columns["group"][:] = "the same"
    with pytest.raises(LeakError):
        quantize.representative(faces, 16, 3)


def test_representative_wants_training_faces():
    faces = made_faces(20)
    with pytest.raises(ModelError, match="train"):
        quantize.representative(faces.where(faces.columns["split"] == "test"), 16, 3)


def test_probabilities_are_those_of_the_runtime():
    runner = Runner(GOLDEN / "tiny_int8.tflite")
    model = QuantisedActionUnitModel(runner, manifest(), align_face, normalise)
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (3, 16, 16), dtype=np.uint8)
    values = np.stack([normalise(crop)[..., None] for crop in crops])
    np.testing.assert_array_equal(
        quantize.probabilities(runner, values, "probability"), np.stack([model.probabilities(crop) for crop in crops])
    )


def test_a_mirrored_model_is_asked_as_the_runtime_asks_it():
    runner = Runner(GOLDEN / "tiny_int8.tflite")
    said = manifest(output="log-odds", mirrored=True)
    model = QuantisedActionUnitModel(runner, said, align_face, normalise)
    crop = np.random.default_rng(1).integers(0, 256, (16, 16), dtype=np.uint8)
    values = normalise(crop)[None, ..., None]
    found = quantize.probabilities(runner, values, said.output, said.mirrored)
    np.testing.assert_array_equal(found[0], model.probabilities(crop))
    assert not np.allclose(found, quantize.probabilities(runner, values, said.output), atol=1e-4)


def test_inputs_survive_eight_bits_exactly():
    runner = ScriptedRunner()
    quantize.probabilities(runner, inputs(made_faces(1).crops, 16, 1), "log-odds")
    (stored,) = runner.seen
    np.testing.assert_allclose(stored * TINY_INPUT.scale, inputs(made_faces(1).crops, 16, 3), atol=1e-6)


def test_parity_measures_what_is_lost():
    labels = np.zeros((100, 18), np.int8)
    labels[:40] = 1
    labels[:, 1] = -1
    exact = np.where(labels == 1, 0.9, 0.1).astype(np.float32)
    rounded = exact.copy()
    rounded[:20, 0] = 0.2
    table = quantize.parity(exact, rounded, labels, np.full(18, 0.5))
    assert table["AU01"]["f1_float"] == 1.0
    assert table["AU01"]["f1_lost"] == pytest.approx(1 - 2 * 20 / (40 + 20))
    assert table["AU01"]["mean_change"] == pytest.approx(0.2 * 0.7)
    assert table["AU02"]["f1_lost"] is None
    assert table["AU04"]["f1_lost"] == 0.0
    assert table["all"]["f1_lost"] == pytest.approx(table["AU01"]["f1_lost"] / 17)
    assert table["all"]["mean_change"] == pytest.approx(0.14)


def test_missing_tensorflow_is_said_with_the_install_line(tmp_path):
    with pytest.raises(DependencyError, match="no interpreter"):
        quantize.require_tensorflow(str(tmp_path / "python"))
    false = tmp_path / "without"
    false.write_text("#!/bin/sh\nexit 1\n")
    false.chmod(0o755)
    with pytest.raises(DependencyError, match="pip install tensorflow"):
        quantize.require_tensorflow(str(false))


def test_uncalibrated_run_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "compact", "outputs": ["AU01"]}))
    data = write_faces(tmp_path / "data", made_faces(10))
    with pytest.raises(ModelError, match="not calibrated"):
        quantize.run(argparse.Namespace(run=tmp_path, data=data, tensorflow_python=sys.executable))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_conversion_with_tensorflow(tmp_path, capsys):
    try:
        quantize.require_tensorflow(TENSORFLOW)
    except DependencyError as error:
        pytest.skip(f"{error.cause} Set FACECUE_TENSORFLOW_PYTHON to an interpreter that has both.")
    folder = write_run(
        tmp_path / "run",
        calibration={unit: {"a": 0.9, "b": 0.1} for unit in AU_ORDER},
        thresholds=dict.fromkeys(AU_ORDER, 0.5),
        known=dict.fromkeys(AU_ORDER, True),
    )
    data = write_faces(tmp_path / "data", made_faces(40))
    assert quantize.run(argparse.Namespace(run=folder, data=data, tensorflow_python=TENSORFLOW)) == 0
    runner = Runner(folder / "model.tflite")
    assert runner.inputs[0].shape == (1, 16, 16, 3)
    assert (runner.inputs[0].dtype, runner.inputs[0].zero_point) == ("int8", 0)
    assert runner.inputs[0].scale == pytest.approx(0.02, rel=1e-5)
    assert (runner.outputs[0].scale, runner.outputs[0].zero_point) == (1 / 16, 32)
    assert edgetpu_ops.require(folder / "model.tflite").problems == ()
    table = json.loads((folder / "parity.json").read_text())
    assert table["all"]["mean_change"] < quantize.MOST_MEAN_CHANGE
    assert "F1 lost" in capsys.readouterr().out
    run = Run.load(folder)
    write_folder(run, tmp_path / "out")
    unpacked = Run.load(unpack(tmp_path / "out", tmp_path / "unpacked"))
    crops = made_faces(4).crops
    again = 1 / (1 + np.exp(-unit_logits(unpacked, crops)))
    np.testing.assert_allclose(again, quantize.probabilities(runner, inputs(crops, 16, 1), "log-odds"), atol=0.05)
    pytest.importorskip("onnx", reason="onnx is not installed")
    assert write_movidius(run, tmp_path / "out") == ("model.onnx",)
