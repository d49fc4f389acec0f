import csv
import json

import numpy as np
import pytest

from assistant.commands.rows import KEYS, Table, row
from assistant.errors import OutputError, SettingsError
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.types import ActionUnits, Expression, Face, Person

EXPECTED = (
    "source frame time_s track x1 y1 x2 y2 score yaw_deg pitch_deg roll_deg "
    "AU01 AU02 AU04 AU05 AU06 AU07 AU09 AU10 AU12 AU14 AU15 AU17 AU20 AU23 AU24 AU25 AU26 AU43 "
    "neutral happiness surprise sadness anger disgust fear contempt expression confidence"
).split()


def person(score=0.9, probability=0.25):
    units = ActionUnits((None, *[probability] * (len(AU_ORDER) - 1)), (None, *[False] * (len(AU_ORDER) - 1)))
    shown = Expression("happiness", 0.72345, (0.1,) * len(EXPRESSIONS), ("AU12",))
    return Person(Face((1, 2, 3, 4), np.zeros((6, 2), np.float32), score, 7, 1.0, 2.0, 3.0), units, shown)


def test_the_keys_are_those_that_are_promised():
    assert list(KEYS) == EXPECTED
    assert list(row("a.jpg", 0, 0.0, person())) == EXPECTED


def test_both_formats_hold_the_same(tmp_path):
    for name in ("a.csv", "a.jsonl"):
        with Table(tmp_path / name) as table:
            table.add(row("ä, b.jpg", 3, 0.1234, person()))
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (read,) = csv.DictReader(file)
    stored = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert list(read) == list(stored) == EXPECTED
    assert stored["AU01"] is None
    assert read["AU01"] == ""
    assert {key: "" if value is None else str(value) for key, value in stored.items()} == read
    assert (stored["time_s"], stored["track"], stored["confidence"]) == (0.123, 7, 0.7235)


def test_a_face_that_no_detector_found_has_no_score_and_no_pose():
    values = row("a.jpg", 0, 0.0, person(score=0.0))
    assert [values[key] for key in ("score", "yaw_deg", "pitch_deg", "roll_deg")] == [None] * 4


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_every_row_is_on_disk_before_the_next(tmp_path, name):
    path = tmp_path / name
    with Table(path) as table:
        header = len(path.read_text(encoding="utf-8").splitlines())
        for count in (1, 2, 3):
            table.add(row("a.jpg", count, 0.0, person()))
            assert len(path.read_text(encoding="utf-8").splitlines()) == header + count


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"\.csv nor \.jsonl"):
        Table(tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told(tmp_path):
    link = tmp_path / "a.csv"
    link.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        Table(link)
