import re
import runpy
import tomllib

import pytest
import setuptools

from tests.app_builders import ROOT


@pytest.fixture(scope="module")
def given():
    """What setup.py gives to setuptools."""
    arguments = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(setuptools, "setup", lambda **given: arguments.update(given))
        runpy.run_path(str(ROOT / "setup.py"))
    return arguments


def test_every_folder_of_code_is_a_package(given):
    folders = {
        path.parent.relative_to(ROOT) for top in ("assistant", "training") for path in ROOT.glob(f"{top}/**/*.py")
    }
    assert {".".join(folder.parts) for folder in folders} <= set(given["packages"])


def test_models_and_config_travel_inside_the_package(given):
    for package in ("assistant.models", "assistant.config"):
        folder = ROOT / given["package_dir"][package]
        carried = {path for pattern in given["package_data"][package] for path in folder.glob(pattern)}
        wanted = {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        assert wanted <= carried


def test_the_readme_gives_the_commands_that_ci_runs():
    readme, script = (
        (ROOT / "README.md").read_text(encoding="utf-8"),
        (ROOT / ".ci" / "run").read_text(encoding="utf-8"),
    )
    assert "python -m pytest" in readme
    assert 'python" -m pytest' in script
    assert '".[dev,demo]"' in readme
    assert '".[dev,demo]"' in script


def test_the_changelog_tells_of_this_version_or_the_next():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", text, re.MULTILINE)


def test_the_runtime_needs_no_training_framework():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=]", each)[0] for each in project["dependencies"]}
    assert not needed & {"tensorflow", "keras", "torch", "jax"}
