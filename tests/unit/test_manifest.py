from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import Manifest, sha256_of, verify, write_manifest
from tests.model_builders import au_fields, model_folder


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    for key, value in changes.items():
        if value is ...:
            del document[key]
        else:
            document[key] = value
    path.write_text(json.dumps(document))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, metrics={"auc": 0.97, "by_source": {"a": [1, 2]}})
    manifest = verify(folder)
    assert manifest == Manifest.load(folder)
    assert manifest.name == "tiny"
    assert manifest.metrics == {"auc": 0.97, "by_source": {"a": [1, 2]}}
    assert manifest.sha256 == sha256_of(folder / "model.tflite")
    assert manifest.bytes == (folder / "model.tflite").stat().st_size
    assert not list(folder.glob("*.part"))


def test_tensors_keep_their_types(tmp_path: Path) -> None:
    tensors = [{"name": "x", "shape": [1, 16, 16, 3], "dtype": "int8", "scale": 0.02, "zero_point": 0}]
    manifest = verify(model_folder(tmp_path, inputs=tensors))
    assert manifest.inputs[0].shape == (1, 16, 16, 3)
    assert manifest.inputs[0].scale == 0.02


def test_a_manifest_cannot_be_changed(tmp_path: Path) -> None:
    manifest = verify(model_folder(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        manifest.name = "other"  # type: ignore[misc]


def test_a_missing_folder_manifest_or_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere.manifest\.json is missing"):
        verify(tmp_path / "nowhere")
    folder = model_folder(tmp_path)
    (folder / "model.tflite").unlink()
    with pytest.raises(ModelError, match=r"model\.tflite is missing") as caught:
        verify(folder)
    assert caught.value.remedy == "Reinstall facecue or restore the file."


def test_a_truncated_model_is_told_from_an_altered_one(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    path = folder / "model.tflite"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ModelError, match=r"model\.tflite is truncated"):
        verify(folder)
    path.write_bytes(content + b"x")
    with pytest.raises(ModelError, match=r"model\.tflite is altered"):
        verify(folder)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(ModelError, match="sha256"):
        verify(folder)


def test_a_folder_in_the_place_of_the_model_is_a_model_error(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "model.tflite").unlink()
    (folder / "model.tflite").mkdir()
    with pytest.raises(ModelError, match=r"model\.tflite"):
        verify(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"name": NaN', "\x00"])
def test_broken_json_is_a_model_error(tmp_path: Path, text: str) -> None:
    folder = model_folder(tmp_path)
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        verify(folder)


def test_bytes_that_are_no_text_are_a_model_error(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    (folder / "manifest.json").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ModelError, match="cannot be read"):
        verify(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": 1}, "colour"),
        ({"licence": ...}, "licence"),
        ({"task": "guessing"}, "task"),
        ({"sha256": "ABC"}, "sha256"),
        ({"bytes": -1}, "bytes"),
        ({"file": "../outside.tflite"}, "file"),
        ({"file": "a\\b"}, "file"),
        ({"file": ""}, "file"),
        ({"input": ...}, "input"),
        ({"mirrored": True}, "log-odds"),
        ({"input": {"size_px": 0, "channels": 3, "normalisation": "x"}}, "input.size_px"),
        ({"action_units": {}}, "AU01 is missing"),
        ({"action_units": {"AU99": {"known": True}}}, "AU99"),
        ({"action_units": {au: {"known": True, "threshold": 2} for au in AU_ORDER}}, "threshold"),
        ({"action_units": {au: {"known": True, "thresh": 0.5} for au in AU_ORDER}}, "thresh"),
        ({"action_units": {au: {"threshold": 0.5} for au in AU_ORDER}}, "known"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    folder = model_folder(tmp_path)
    edit(folder, **changes)
    with pytest.raises(ModelError) as caught:
        verify(folder)
    assert said in caught.value.cause
    assert "\n" not in str(caught.value)


def test_writing_refuses_wrong_fields_and_keeps_the_old_manifest(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(ModelError, match="task"):
        write_manifest(folder, au_fields(task="guessing"))
    with pytest.raises(OSError, match="gone"):
        write_manifest(folder, au_fields(file="gone.tflite"))
    assert (folder / "manifest.json").read_bytes() == before


def test_a_detector_needs_no_units(tmp_path: Path) -> None:
    folder = model_folder(tmp_path)
    manifest = write_manifest(folder, au_fields(task="face_detection", action_units={}))
    assert manifest.action_units == {}
