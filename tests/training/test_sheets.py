"""Sheets of faces to code by eye: what is drawn, how the codes are read, and what is said of bad ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training_builders import made_faces, write_faces
from training import codes, sheets
from training.__main__ import main
from training.datasets.annotated import digest
from training.datasets.sample import NOT_ANNOTATED, DataError
from training.faces import Faces


@pytest.fixture
def faces() -> Faces:
    """Return 40 faces of which the first 20 are annotated."""
    made = made_faces(40)
    au = np.where(np.arange(40)[:, None] < 20, made.columns["au"], NOT_ANNOTATED).astype(np.int8)
    return replace(made, columns={**made.columns, "au": au})


@pytest.fixture
def drawn(tmp_path: Path, faces: Faces) -> Path:
    """Return a folder with the sheets of faces 20 to 39."""
    sheets.write(faces.where(np.arange(20, 40)), tmp_path / "sheets")
    return tmp_path / "sheets"


def write_codes(folder: Path, sheet: str, lines: list[str]) -> None:
    (folder / f"{sheet}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_sixteen_faces_a_sheet_each_in_its_place(faces: Faces, drawn: Path) -> None:
    assert sorted(path.name for path in drawn.iterdir()) == ["001.png", "002.png", "index.csv"]
    picture = cv2.imread(str(drawn / "001.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    sixth = picture[266 + 26 : 2 * 266, 246 : 246 + 240]  # second row, second column
    expected = cv2.resize(faces.crops[25], (240, 240), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(sixth, expected)
    assert (cv2.imread(str(drawn / "002.png"), cv2.IMREAD_GRAYSCALE)[266 + 26 :] == 255).all()  # type: ignore[index]
    assert (drawn / "index.csv").read_text(encoding="utf-8").splitlines()[6] == "001,6,mine/0025.png"


def test_codes_become_annotations(drawn: Path, tmp_path: Path) -> None:
    lines = [f"{place}: none" for place in range(1, 17)]
    lines[1] = "2: 6=2 12=3 25 ?26=1"
    lines[2] = "3: bad"
    write_codes(drawn, "001", lines)
    out = tmp_path / "annotations.jsonl"
    assert main(["codes", str(drawn), "--annotator", "me", "--out", str(out)]) == 0
    records = {line["image"]: line for line in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    assert len(records) == 16  # the second sheet is not coded yet
    second = records["mine/0021.png"]
    assert (second["au"], second["unsure"]) == ({"AU06": 2, "AU12": 3, "AU25": 1}, ["AU26"])
    assert (second["annotator"], second["usable"]) == ("me", True)
    assert not records["mine/0022.png"]["usable"]
    assert records["mine/0020.png"]["au"] == {}


def test_names_can_be_hidden(drawn: Path, tmp_path: Path) -> None:
    write_codes(drawn, "002", ["1: 4=1", "2: none", "3: none", "4: none"])
    out = tmp_path / "annotations.jsonl"
    assert main(["codes", str(drawn), "--annotator", "me", "--out", str(out), "--hide-names"]) == 0
    assert "mine" not in out.read_text(encoding="utf-8")
    assert digest("mine/0036.png") in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("1 4=1", "002.txt, line 1: '1 4=1' is not understood"),
        ("1:", "002.txt, line 1: '1:' is not understood"),
        ("1: 99=1", "002.txt, line 1: The Action Unit 'AU99' is unknown"),
        ("1: 4=7", "002.txt, line 1: '4=7' is not understood"),
        ("9: none", "002.txt, line 1: face 9 is not on the sheet"),
        ("2: none", "002.txt, line 2: face 2 is not on the sheet, or is coded twice"),
        ("", "002.txt: face 1 has no line"),
    ],
)
def test_a_wrong_line_is_named(drawn: Path, line: str, fault: str) -> None:
    write_codes(drawn, "002", [line, "2: none", "3: none", "4: none"])
    with pytest.raises(DataError, match=fault):
        codes.read(drawn)


def test_agreement_is_f1_over_units_that_both_were_sure_of() -> None:
    empty = np.zeros(18, np.int8)
    smile, doubted = empty.copy(), empty.copy()
    smile[8], doubted[8] = 2, -1
    others = {f"{n}": smile if n < 10 else empty for n in range(20)}
    mine = {f"{n}": smile if n in range(2, 12) else empty for n in range(20)} | {"2": doubted, "elsewhere": smile}
    agreed = codes.agreement(mine, others)
    assert set(agreed) == {"AU12"}
    cases, score = agreed["AU12"]
    assert (cases, score) == (9, pytest.approx(2 * 7 / (9 + 9)))


def test_the_command_draws_only_faces_that_nobody_coded(
    faces: Faces, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = write_faces(tmp_path / "cache", faces)
    out = tmp_path / "out"
    assert main(["sheets", "--data", str(cache), "--out", str(out), "--count", "8"]) == 0
    names = [line.split(",")[2] for line in (out / "index.csv").read_text(encoding="utf-8").splitlines()[1:]]
    train = {str(name) for name in faces.columns["names"][20:][faces.columns["split"][20:] == "train"]}
    assert len(names) == 8
    assert set(names) <= train
    assert "python -m training codes" in capsys.readouterr().out
    assert main(["sheets", "--data", str(cache), "--out", str(out)]) != 0  # coded sheets are never drawn over
    assert "holds sheets already" in capsys.readouterr().err


def test_coded_faces_are_drawn_again_only_when_asked(faces: Faces, tmp_path: Path) -> None:
    cache = write_faces(tmp_path / "cache", faces)
    out = tmp_path / "out"
    assert main(["sheets", "--data", str(cache), "--out", str(out), "--again"]) == 0
    names = {line.split(",")[2] for line in (out / "index.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert names == {str(name) for name in faces.columns["names"][:20][faces.columns["split"][:20] == "train"]}


def test_codes_that_are_no_text_are_named(drawn: Path) -> None:
    (drawn / "002.txt").write_bytes(b"1: 4=1\xff\n")
    with pytest.raises(DataError, match=r"002\.txt cannot be read"):
        codes.read(drawn)


def test_the_least_sure_come_first(faces: Faces, tmp_path: Path) -> None:
    units = np.full((40, 18), 0.01, np.float32)
    units[[27, 31], 4] = 0.5
    units[:, 13] = np.nan  # a unit that the network does not know says nothing
    np.savez(tmp_path / "soft.npz", names=faces.columns["names"], units=units)
    cache = write_faces(tmp_path / "cache", replace(faces, columns={**faces.columns, "split": np.full(40, "train")}))
    asked = ["--data", str(cache), "--out", str(tmp_path / "out"), "--unsure", str(tmp_path / "soft.npz")]
    assert main(["sheets", *asked, "--count", "2"]) == 0
    lines = (tmp_path / "out" / "index.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {line.split(",")[2] for line in lines} == {"mine/0027.png", "mine/0031.png"}


def test_comparison_names_the_units(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{place}: 12=2" for place in range(1, 17)]
    write_codes(drawn, "001", lines)
    others = [{"image": f"mine/{n:04d}.png", "annotator": "a", "au": {"AU12": 1}} for n in range(20, 36)]
    path = tmp_path / "others.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in others), encoding="utf-8")
    assert main(["codes", str(drawn), "--annotator", "me", "--against", str(path)]) == 0
    said = capsys.readouterr().out
    assert "AU12: F1 1.00 against 16 cases" in said
    assert "Mean over 1 units: F1 1.000" in said
    hidden = [{**one, "image": digest(str(one["image"]))} for one in others]
    path.write_text("".join(json.dumps(one) + "\n" for one in hidden), encoding="utf-8")
    assert main(["codes", str(drawn), "--annotator", "me", "--against", str(path)]) == 0
    assert "Mean over 1 units: F1 1.000" in capsys.readouterr().out
