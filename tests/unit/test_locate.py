import pytest

from assistant import locate
from assistant.errors import ModelError
from tests.app_builders import ROOT, tiny_models, use_models


def test_a_checkout_has_models_and_config_beside_the_package():
    assert locate.shipped("models") == ROOT / "models"
    assert locate.shipped("config") == ROOT / "config"


def test_a_wheel_has_them_inside_the_package(tmp_path, monkeypatch):
    inside = tmp_path / "assistant"
    (inside / "models").mkdir(parents=True)
    monkeypatch.setattr(locate, "__file__", str(inside / "locate.py"))
    assert locate.shipped("models") == inside / "models"
    assert locate.shipped("config") == tmp_path / "config"


def test_a_model_is_found_by_name_and_by_path(tmp_path, monkeypatch):
    folder = tiny_models(tmp_path)
    use_models(monkeypatch, folder)
    assert locate.model_folder("compact") == folder / "compact"
    assert locate.model_folder(str(folder / "compact")) == folder / "compact"
    assert locate.model_names() == ("blazeface_full", "blazeface_short", "compact", "expression")


def test_an_unknown_model_is_told_with_the_names_there_are(tmp_path, monkeypatch):
    use_models(monkeypatch, tiny_models(tmp_path))
    with pytest.raises(ModelError, match=r"no model 'best'.*blazeface_full, blazeface_short, compact"):
        locate.model_folder("best")
