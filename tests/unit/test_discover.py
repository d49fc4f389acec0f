from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assistant.errors import BackendError, DependencyError
from assistant.inference import discover
from assistant.inference.backends import litert, openvino

real_find_spec = importlib.util.find_spec


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Pretend that packages are not installed."""
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in names else real_find_spec(name, *rest)
    )


def test_a_missing_package_is_tolerated_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "openvino")
    found = discover.discover()
    (missing,) = [backend for backend in found if backend.name == "openvino"]
    assert "pip install 'facecue[openvino]'" in missing.problem
    with pytest.raises(DependencyError, match="openvino cannot be used"):
        discover.find("openvino", found)
    with pytest.raises(DependencyError, match="not installed"):
        openvino.Runner(Path("any"))


def test_without_any_interpreter_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hide(monkeypatch, "ai_edge_litert", "tflite_runtime")
    assert "pip install ai-edge-litert" in (litert.available() or "")
    with pytest.raises(DependencyError) as caught:
        litert.Runner(tmp_path / "model.tflite")
    assert caught.value.remedy == "Run: pip install ai-edge-litert"


def test_the_old_interpreter_is_used_where_only_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("tflite_runtime.interpreter")
    monkeypatch.setitem(sys.modules, "tflite_runtime", ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", old)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "ai_edge_litert" else real_find_spec("sys")
    )
    assert litert.available() is None
    assert litert.interpreter_module() is old


def test_a_back_end_that_does_not_start_is_tolerated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> tuple[str, ...]:
        raise BackendError("The driver is broken.", "Update it.")

    monkeypatch.setattr(openvino, "available", lambda: None)
    monkeypatch.setattr(openvino, "devices", fail)
    (broken,) = [backend for backend in discover.discover() if backend.name.startswith("openvino")]
    assert broken.problem == "The driver is broken. Update it."


def test_each_device_has_a_name_and_the_first_the_back_ends_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "available", lambda: None)
    monkeypatch.setattr(openvino, "devices", lambda: ("cpu", "gpu", "npu"))
    names = [backend.name for backend in discover.discover() if not backend.problem]
    assert names[:4] == ["litert", "openvino", "openvino:gpu", "openvino:npu"]


def test_a_back_end_without_devices_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "available", lambda: None)
    monkeypatch.setattr(openvino, "devices", lambda: ())
    (backend,) = [backend for backend in discover.discover() if backend.name == "openvino"]
    assert backend.problem == "openvino finds no device."


def test_openvino_without_the_device_gives_a_backend_error() -> None:
    if openvino.available():
        pytest.skip(openvino.available() or "")
    if "gpu" in openvino.devices():
        pytest.skip("this machine has the device")
    with pytest.raises(BackendError, match="on gpu") as caught:
        openvino.Runner(Path(__file__).parents[1] / "golden" / "tiny_int8.tflite", device="gpu")
    assert "\n" not in caught.value.cause


def test_opening_one_back_end_loads_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str | None:
        raise AssertionError("OpenVINO was asked")

    monkeypatch.setattr(openvino, "available", fail)
    model = Path(__file__).parents[1] / "golden" / "tiny_int8.tflite"
    assert discover.open_backend("litert", model).inputs[0].shape == (1, 16, 16, 3)


def test_opening_an_unknown_back_end_names_those_there_are() -> None:
    with pytest.raises(DependencyError, match="no back end 'cuda'") as caught:
        discover.open_backend("cuda", Path("any"))
    assert "litert" in caught.value.remedy
    with pytest.raises(DependencyError, match="'litert:gpu'"):
        discover.open_backend("litert:gpu", Path("any"))
