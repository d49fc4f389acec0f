import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from assistant.errors import DependencyError, FacecueError, ModelError, OutputError
from assistant.types import Face, ImageRgb
from tests.dataset_builders import found, run_prepare, write_manifest
from training import __main__ as command_line
from training import cache
from training.datasets.pictures import read_picture
from training.datasets.sample import DataError
from training.partial import Partial, writing
from training.progress import duration


class Counting:
    """Find faces, count the calls, and fail at one of them."""

    def __init__(self, fail_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls, self._fail_at, self._error = 0, fail_at, error

    def __call__(self, image_rgb: ImageRgb, tight: bool) -> Face | None:
        self.calls += 1
        if self.calls == self._fail_at and self._error is not None:
            raise self._error
        return found(image_rgb, tight)


def same_cache(one: Path, other: Path) -> None:
    assert np.array_equal(np.load(one / "crops.npy"), np.load(other / "crops.npy"))
    ours, theirs = cache.read_table(one), cache.read_table(other)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("fail_at", [1, 2, 30, 60])
def test_a_run_that_was_stopped_continues_with_the_same_result(tmp_path: Path, fail_at: int) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "whole", "--source", f"manifest={path}")
    with pytest.raises(KeyboardInterrupt):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=Counting(fail_at, KeyboardInterrupt()))
    with pytest.raises(DataError, match="not prepared"):
        cache.verify(tmp_path / "out")
    rest = Counting()
    run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=rest)
    assert rest.calls == 60 - (fail_at - 1)
    same_cache(tmp_path / "out", tmp_path / "whole")
    assert not (tmp_path / "out" / ".partial").exists()


@pytest.mark.parametrize(("file", "lost"), [("crops.npy", 1000), ("thumbs.raw", 1), ("rows.tsv", 5)])
def test_a_kill_in_the_middle_of_a_write_costs_that_picture_only(tmp_path: Path, file: str, lost: int) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "whole", "--source", f"manifest={path}")
    with pytest.raises(KeyboardInterrupt):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=Counting(41, KeyboardInterrupt()))
    part = tmp_path / "out" / ".partial" / file
    os.truncate(part, part.stat().st_size - lost)
    rest = Counting()
    run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=rest)
    assert rest.calls == 21
    same_cache(tmp_path / "out", tmp_path / "whole")


def test_other_sources_start_afresh(tmp_path: Path) -> None:
    path, other = write_manifest(tmp_path / "faces"), write_manifest(tmp_path / "others", first_seed=500)
    with pytest.raises(KeyboardInterrupt):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=Counting(41, KeyboardInterrupt()))
    rest = Counting()
    run_prepare(tmp_path / "out", "--source", f"manifest={other}", locate=rest)
    assert rest.calls == 60


@pytest.mark.parametrize("stored", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_corrupt_picture_is_named_and_what_was_cut_stays(
    tmp_path: Path, stored: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_manifest(tmp_path / "faces")
    good = (tmp_path / "faces" / "p20_1.png").read_bytes()
    (tmp_path / "faces" / "p20_1.png").write_bytes(stored)
    with pytest.raises(DataError, match=r"p20_1\.png is damaged.*--skip-bad"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    rest = Counting()
    manifest = run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--skip-bad", locate=rest)
    assert rest.calls == 18
    assert manifest["unreadable"] == ["faces/p20_1.png"]
    assert "Left out: The picture" in capsys.readouterr().out
    assert len(cache.read_table(tmp_path / "out")["names"]) == len(np.load(tmp_path / "out" / "crops.npy")) == 59
    again = run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--skip-bad", locate=Counting(1, OSError()))
    assert again["unreadable"] == ["faces/p20_1.png"]
    (tmp_path / "faces" / "p20_1.png").write_bytes(good)
    assert run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--fresh")["pictures"] == 60


def test_a_picture_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png cannot be read: No such file"):
        read_picture(tmp_path / "gone.png")


def test_a_full_disk_is_said_and_the_run_continues_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_manifest(tmp_path / "faces")
    added = Partial.add

    def full(self: Partial, name: str, crop: np.ndarray, thumb: np.ndarray, score: float) -> None:
        if len(self.rows) == 25:
            with writing(tmp_path / "out"):
                raise OSError(errno.ENOSPC, "No space left on device")
        added(self, name, crop, thumb, score)

    monkeypatch.setattr(Partial, "add", full)
    with pytest.raises(OutputError, match=r"is full\. Free some space and run the same command again"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    monkeypatch.setattr(Partial, "add", added)
    rest = Counting()
    run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=rest)
    assert rest.calls == 35


def test_a_disk_that_fills_at_the_last_step_leaves_the_old_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_manifest(tmp_path / "faces", people=60)
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        with pytest.raises(OutputError, match="is full"):
            run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--seed", "3")
    assert cache.verify(tmp_path / "out")["seed"] == 0


def test_too_small_a_disk_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_manifest(tmp_path / "faces")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100_000))
    with pytest.raises(OutputError, match="60 crops need"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", locate=Counting(1, AssertionError()))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        run_prepare(tmp_path / "file" / "out", "--source", f"manifest={path}")


def test_a_split_with_too_few_people_names_a_seed_that_helps(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces", people=8)
    with pytest.raises(DataError, match=r"The (valid|test) split has") as caught:
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--seed", "1")
    seed = caught.value.remedy.split("--seed ")[1].split(",")[0]
    counting = Counting()
    manifest = run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--seed", seed, locate=counting)
    assert counting.calls == 0  # the crops of the failed run are there
    assert all(summary["groups"] >= 2 for summary in manifest["splits"].values())


def test_three_people_are_too_few_whatever_the_seed(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces", people=3)
    with pytest.raises(DataError, match="Add people or labels"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}")


def test_a_unit_that_nobody_shows_in_a_split_must_be_excused(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces", units=("AU12", "AU23"))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *(line[:-1] + "0" for line in lines[1:])]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"Nobody shows AU23 in train, valid, test\..*--allow-empty AU23\."):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--allow-empty", "AU23")
    with pytest.raises(DataError, match="The Action Unit 'AU3' is unknown"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--allow-empty", "AU3")


@pytest.mark.parametrize("file", ["table.npz", "crops.npy"])
def test_a_damaged_cache_is_noticed_and_made_again(tmp_path: Path, file: str) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    damaged = tmp_path / "out" / file
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(DataError, match=file):
        cache.verify(tmp_path / "out")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    cache.verify(tmp_path / "out")


def test_missing_detector_models_are_said_before_any_picture_is_read(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    with pytest.raises(ModelError, match="manifest"):
        run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--models", str(tmp_path), locate=None)


def test_the_command_line_says_one_sentence_and_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = command_line.main(["prepare", "--out", str(tmp_path / "out")])
    assert status == DataError.exit_status
    assert capsys.readouterr().err == "No data were given. Use --data ROOT or --source KIND=PATH.\n"

    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.prepare.run", interrupted)
    assert command_line.main(["prepare", "--out", str(tmp_path / "out")]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["prepare", "--help"], ["prpare"]])
def test_help_and_unknown_commands_list_what_there_is(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command_line.main(arguments)
    assert left.value.code == (2 if arguments == ["prpare"] else 0)
    assert "prepare" in "".join(capsys.readouterr())


def test_statuses_are_told_apart() -> None:
    import training.splits

    errors = (DataError, training.splits.LeakError, OutputError, ModelError, DependencyError, FacecueError)
    assert len({error.exit_status for error in errors}) == len(errors)


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (89.4, "89 s"), (720, "12 min"), (11100, "3 h 5 min")])
def test_time_is_said_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
