"""The better of the shipped models is tried first, whatever it is called."""

import json
from pathlib import Path

import pytest

from assistant import locate, sight
from assistant.facs import AU_ORDER
from assistant.inference.manifest import Manifest


def _write(folder: Path, auc: float | None, support: int = 100, size: int = 1) -> None:
    folder.mkdir(parents=True)
    units = {au: {"known": True, "support": support, "auc": auc} for au in AU_ORDER}
    fields = {
        "name": folder.name,
        "task": "action_units",
        "version": "1",
        "file": "model.tflite",
        "sha256": "0" * 64,
        "bytes": size,
        "licence": "Apache-2.0",
        "origin": "a test",
        "input": {"size_px": 64, "channels": 3, "normalisation": "standardised-grey"},
        "action_units": units,
    }
    (folder / "manifest.json").write_text(json.dumps(fields), encoding="utf-8")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locate, "shipped", lambda name: tmp_path / name)
    return tmp_path / "models"


@pytest.mark.parametrize(("vggface", "compact", "first"), [(0.95, 0.93, "vggface"), (0.91, 0.93, "compact")])
def test_the_higher_auc_comes_first(models: Path, vggface: float, compact: float, first: str) -> None:
    _write(models / "vggface", vggface)
    _write(models / "compact", compact)
    assert sight.best_first()[0].name == first


@pytest.mark.parametrize(("vggface", "first"), [(0.974, "compact"), (0.976, "vggface")])
def test_of_models_as_good_as_each_other_the_smaller_comes_first(models: Path, vggface: float, first: str) -> None:
    _write(models / "vggface", vggface, size=8)
    _write(models / "compact", 0.970)
    assert sight.best_first()[0].name == first


def test_a_damaged_manifest_comes_last(models: Path) -> None:
    _write(models / "compact", None)
    (models / "vggface").mkdir()
    (models / "vggface" / "manifest.json").write_text("{", encoding="utf-8")
    assert [folder.name for folder in sight.best_first()] == ["compact", "vggface"]


def test_rare_units_do_not_count(models: Path) -> None:
    _write(models / "compact", 0.9, support=19)
    assert Manifest.load(models / "compact").mean_auc is None
