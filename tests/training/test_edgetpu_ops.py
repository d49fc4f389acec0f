"""What an Edge TPU takes, told from the file; the compiler is a stub made by the test."""

import stat
from pathlib import Path

import pytest

from assistant.errors import ModelError
from tests.model_builders import GOLDEN
from training import edgetpu_ops

schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed")
flatbuffers = pytest.importorskip("flatbuffers", reason="flatbuffers is not installed")

TINY = GOLDEN / "tiny_int8.tflite"
FLOAT = Path(__file__).parents[2] / "models" / "blazeface_short" / "model.tflite"


def changed(path, change):
    """Write the tiny model with `change` applied to its unpacked form."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(TINY.read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_a_whole_int8_model_passes():
    report = edgetpu_ops.require(TINY)
    assert report.problems == ()
    assert report.operators[-1] == "LOGISTIC"
    assert report.bytes == TINY.stat().st_size


def test_unchanged_copy_passes(tmp_path):
    assert edgetpu_ops.check(changed(tmp_path / "m.tflite", lambda model: None)).problems == ()


def test_a_float_model_does_not():
    problems = edgetpu_ops.check(FLOAT).problems
    assert any("DEQUANTIZE" in problem for problem in problems)
    assert any("FLOAT32" in problem for problem in problems)
    with pytest.raises(ModelError, match="Edge TPU"):
        edgetpu_ops.require(FLOAT)


def test_names_the_operator_it_lacks(tmp_path):
    def hard_swish(model):
        code = model.operatorCodes[model.subgraphs[0].operators[-1].opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.HARD_SWISH

    problems = edgetpu_ops.check(changed(tmp_path / "m.tflite", hard_swish)).problems
    assert len(problems) == 1
    assert "HARD_SWISH" in problems[0]


def test_names_a_free_batch_and_a_wide_tensor(tmp_path):
    def free(model):
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shapeSignature = [-1, 16, 16, 3]

    def wide(model):
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [2, 16, 16, 3]

    assert "not known" in edgetpu_ops.check(changed(tmp_path / "a.tflite", free)).problems[0]
    assert "three dimensions" in edgetpu_ops.check(changed(tmp_path / "b.tflite", wide)).problems[0]


def test_names_a_model_too_large_for_the_chip(tmp_path, monkeypatch):
    monkeypatch.setattr(edgetpu_ops, "ON_CHIP_BYTES", 100)
    assert "on chip" in edgetpu_ops.check(TINY).problems[-1]


@pytest.mark.parametrize("content", [b"", b"not a model at all"])
def test_refuses_what_is_no_model(tmp_path, content):
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"no \.tflite file"):
        edgetpu_ops.check(tmp_path / "m.tflite")


def stub(folder, monkeypatch, body):
    path = folder / edgetpu_ops.COMPILER
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_compiler_is_run_where_it_is(tmp_path, monkeypatch):
    stub(tmp_path, monkeypatch, 'test "$2" = --out_dir && cp "$4" "$3/tiny_int8_edgetpu.tflite"')
    assert edgetpu_ops.compile_model(TINY, tmp_path) == tmp_path / "tiny_int8_edgetpu.tflite"


def test_a_refusal_of_the_compiler_is_said(tmp_path, monkeypatch):
    stub(tmp_path, monkeypatch, "echo 'Model not quantized' >&2; exit 1")
    with pytest.raises(ModelError, match="Model not quantized"):
        edgetpu_ops.compile_model(TINY, tmp_path)


def test_no_compiler_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert edgetpu_ops.compile_model(TINY, tmp_path) is None
