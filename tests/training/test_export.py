"""Model folders for each target, from a run whose 8-bit file is the tiny golden model."""

import argparse
import json
import shutil

import numpy as np
import pytest

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import sha256_of, verify
from tests.model_builders import GOLDEN
from training import export
from training.runs import Run


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    settings = {
        "recipe": "compact",
        "seed": 7,
        "size_px": 16,
        "outputs": list(AU_ORDER),
        "calibration": {},
        "thresholds": dict.fromkeys(AU_ORDER, 0.4),
        "known": {unit: unit != "AU23" for unit in AU_ORDER},
        "unknown_because": {"AU23": "1 faces show it"},
        "calibrated_on": {"train": 4, "valid": 9},
    }
    (folder / "parity.json").write_text(json.dumps({"all": {"faces": 3, "f1_lost": 0.001, "mean_change": 0.002}}))
    shutil.copyfile(GOLDEN / "tiny_int8.tflite", folder / "model.tflite")
    settings["quantised"] = {"sha256": sha256_of(folder / "model.tflite"), "output": "log-odds", "calibration": {}}
    (folder / "run.json").write_text(json.dumps(settings))
    return Run.load(folder)


def export_to(run, target, out):
    return export.run(argparse.Namespace(run=run.folder, target=target, out=out))


def test_the_folder_is_one_the_runtime_takes(run, tmp_path, capsys):
    assert export_to(run, "cpu", tmp_path / "mine") == 0
    manifest = verify(tmp_path / "mine")
    assert manifest.name == "mine"
    assert manifest.input.size_px == 16
    assert (manifest.output, manifest.mirrored) == ("log-odds", False)
    assert export.write_folder(run.write(mirrored=True), tmp_path / "twice").mirrored
    assert [unit for unit, info in manifest.action_units.items() if not info.known] == ["AU23"]
    assert manifest.action_units["AU12"].threshold == 0.4
    assert manifest.metrics["int8_against_float"]["f1_lost"] == 0.001
    assert (manifest.licence, manifest.training["seed"]) == ("Apache-2.0", 7)
    assert manifest.training["calibrated_on"] == {"train": 4, "valid": 9}
    assert "random weights" in manifest.origin
    assert "evaluate" in capsys.readouterr().out


def test_a_non_commercial_trunk_gives_its_licence_to_the_model(run, tmp_path):
    trunk = {"origin": "vgg_face.mat", "licence": "CC BY-NC 4.0 (non-commercial)"}
    manifest = export.write_folder(run.write(trunk=trunk), tmp_path / "mine")
    assert manifest.licence == trunk["licence"]
    assert "vgg_face.mat" in manifest.origin


def test_edge_tpu_target_checks_the_file(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert export_to(run, "edgetpu", tmp_path / "mine") == 0
    assert "all" in capsys.readouterr().out
    monkeypatch.setattr(export.edgetpu_ops, "SUPPORTED", frozenset({"CONV_2D"}))
    with pytest.raises(ModelError, match="not supported"):
        export_to(run, "edgetpu", tmp_path / "mine")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_openvino_target_computes_the_same(run, tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    assert export_to(run, "openvino", tmp_path / "mine") == 0
    exports = verify(tmp_path / "mine").training["exports"]
    assert set(exports) == {"model.xml", "model.bin"}
    assert exports["model.bin"] == sha256_of(tmp_path / "mine" / "model.bin")


def test_unquantised_run_is_refused(run, tmp_path):
    (run.folder / "model.tflite").unlink()
    with pytest.raises(ModelError, match="no calibrated 8-bit model"):
        export_to(run, "cpu", tmp_path / "mine")


def test_a_run_that_was_calibrated_after_it_was_quantised_is_refused(run, tmp_path):
    run.write(calibration={"AU12": {"a": 2.0, "b": 0.0}})
    with pytest.raises(ModelError, match="calibrated") as caught:
        export_to(run, "cpu", tmp_path / "mine")
    assert "quantize" in caught.value.remedy


def test_a_run_that_an_older_facecue_quantised_is_refused(run, tmp_path):
    quantised = dict(run.settings["quantised"])
    del quantised["output"]  # it gave probabilities
    with pytest.raises(ModelError, match="older") as caught:
        export_to(run.write(quantised=quantised), "cpu", tmp_path / "mine")
    assert "quantize" in caught.value.remedy


def test_files_of_an_earlier_export_for_other_devices_go(run, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    for name in ("model_edgetpu.tflite", "model.xml", "card.md"):
        (out / name).write_text("old")
    export_to(run, "cpu", out)
    assert {path.name for path in out.iterdir()} == {"model.tflite", "manifest.json", "card.md"}


def test_a_refused_export_leaves_the_folder_as_it_was(run, tmp_path, monkeypatch):
    export_to(run, "cpu", tmp_path / "mine")
    before = (tmp_path / "mine" / "manifest.json").read_bytes()
    (tmp_path / "mine" / "model_edgetpu.tflite").write_text("old")
    monkeypatch.setattr(export.edgetpu_ops, "SUPPORTED", frozenset({"CONV_2D"}))
    with pytest.raises(ModelError, match="not supported"):
        export_to(run.write(seed=8), "edgetpu", tmp_path / "mine")
    assert (tmp_path / "mine" / "manifest.json").read_bytes() == before
    assert {path.name for path in (tmp_path / "mine").iterdir()} >= {"model.tflite", "model_edgetpu.tflite"}


def test_missing_onnx_is_said(run, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    with pytest.raises(ModelError, match="quantize"):
        export_to(run, "movidius", tmp_path / "mine")


def test_onnx_without_a_static_batch_is_refused(run, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Sigmoid", ["face"], ["probability"])],
        "tiny",
        [helper.make_tensor_value_info("face", floats, ["N", 3, 16, 16])],
        [helper.make_tensor_value_info("probability", floats, ["N", 3, 16, 16])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), run.folder / "model.onnx"
    )
    with pytest.raises(ModelError, match="static batch"):
        export_to(run, "movidius", tmp_path / "mine")


def test_a_file_that_computes_something_else_is_not_shipped():
    same = np.full((1, 18), 0.5)
    export._compare(same, same + 0.001, export.CLOSE, "model.xml")
    export._compare(same, same + np.eye(1, 18) / 2, export.CLOSE, "model.xml")  # a few steps of one unit's 8 bits
    with pytest.raises(ModelError, match="differs"):
        export._compare(same, same + 0.2, export.CLOSE, "model.xml")
    with pytest.raises(ModelError, match=r"0\.019 in probability on average, and by 0\.348 in one unit"):
        export._compare(same, same + 3 * np.eye(1, 18), export.CLOSE, "model.xml")
