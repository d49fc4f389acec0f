"""Weights between two runs of the same network: what they compute, and what is refused."""

import json

import numpy as np
import pytest

from assistant.errors import DependencyError, ModelError
from tests.training_builders import write_run
from training.__main__ import main
from training.blend import blend
from training.runs import Run, load_keras, network

try:
    keras = load_keras()
except DependencyError as error:
    pytest.skip(error.cause, allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def two(tmp_path):
    """Return a run, and one trained on from it: every number of its weights is larger."""
    calibrated = {"calibration": {"AU01": {"a": 2, "b": 1}}, "calibrated_on": {"train": 4, "valid": 9}}
    start, ended = write_run(tmp_path / "start"), write_run(tmp_path / "ended", **calibrated)
    model = network(Run.load(ended))
    model.set_weights([weights + 1.0 for weights in model.get_weights()])
    model.save_weights(str(ended / "model.weights.h5"))
    return start, ended


def weights_of(folder):
    return network(Run.load(folder)).get_weights()


@pytest.mark.parametrize("named", ["folder", "file"])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_number_lies_that_far_between(tmp_path, two, share, named):
    start, ended = two
    first = start if named == "folder" else start / "model.weights.h5"
    out = tmp_path / "between"
    assert main(["blend", str(ended), "--start", str(first), "--share", str(share), "--out", str(out)]) == 0
    for ours, theirs in zip(weights_of(out), weights_of(start), strict=True):
        np.testing.assert_allclose(ours, theirs + share, atol=1e-6)


def test_the_calibration_of_other_weights_is_not_kept(tmp_path, two):
    start, ended = two
    settings = json.loads((blend(start, Run.load(ended), 0.5, tmp_path / "out") / "run.json").read_text())
    assert not {"calibration", "calibrated_on"} & set(settings)
    assert settings["blend"] == {"start": "start", "end": "ended", "share": 0.5}


def test_another_network_is_refused(tmp_path, two):
    other = write_run(tmp_path / "other", "cnn12")
    with pytest.raises(ModelError, match="other outputs"):
        blend(other, Run.load(two[1]), 0.5, tmp_path / "out")
    with pytest.raises(ModelError, match="does not fit"):
        blend(other / "model.weights.h5", Run.load(two[1]), 0.5, tmp_path / "out")


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_a_share_beyond_both_ends_is_refused(tmp_path, two, share, capsys):
    start, ended = two
    words = ["blend", str(ended), "--start", str(start), f"--share={share}", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "0 to 1" in capsys.readouterr().err
