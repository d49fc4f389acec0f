from pathlib import Path

import pytest

from assistant.commands.options import check_outputs
from assistant.errors import OutputError, SettingsError


def test_what_can_be_written_is_left_as_it_was(tmp_path):
    old = tmp_path / "old.wav"
    old.write_text("kept")
    check_outputs({"--wav": old, "--transcript": tmp_path / "new.jsonl", "--overlay": None})
    assert old.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize(("name", "cause"), [("gone/a.wav", "no folder"), (".", "is a folder")])
def test_what_cannot_be_written_is_told_before_any_work(tmp_path, name, cause):
    with pytest.raises(OutputError, match=cause):
        check_outputs({"--wav": tmp_path / name})


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        check_outputs({"--wav": tmp_path / "file" / "a.wav"})


def test_a_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(OutputError, match="too long"):
        check_outputs({"--wav": tmp_path / ("a" * 300)})


def test_two_outputs_in_one_file_are_refused(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(SettingsError, match=r"--wav .* is also --transcript"):
        check_outputs({"--transcript": path, "--wav": tmp_path / "." / "a"})


def test_an_input_is_not_overwritten(tmp_path):
    clip = tmp_path / "a.mp4"
    with pytest.raises(SettingsError, match="also an input"):
        check_outputs({"--overlay": clip}, (Path(clip),))
