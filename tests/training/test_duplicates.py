import cv2
import numpy as np
import pytest

from tests.dataset_builders import drawn
from training import duplicates
from training.duplicates import ALIKE, find_pairs, thumbnail


def thumbs(*pictures: np.ndarray) -> np.ndarray:
    return np.stack([thumbnail(np.repeat(picture[..., None], 3, axis=-1)) for picture in pictures])


def compressed(picture: np.ndarray) -> np.ndarray:
    _, stored = cv2.imencode(".jpg", cv2.resize(picture, (90, 90)), [cv2.IMWRITE_JPEG_QUALITY, 40])
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE))


def test_scaled_compressed_brighter_and_mirrored_copies_are_found() -> None:
    picture = drawn(1)
    brighter = np.clip(picture * 0.6 + 60, 0, 255).astype(np.uint8)
    table = thumbs(picture, drawn(2), compressed(picture), brighter, picture[:, ::-1])
    found = {(pair.one, pair.other, pair.mirrored) for pair in find_pairs(table, np.arange(5))}
    assert {(0, 2, False), (0, 3, False), (0, 4, True)} <= found
    assert all(1 not in (one, other) for one, other, _ in found)
    assert all(pair.correlation > ALIKE for pair in find_pairs(table, np.arange(5)))


def test_what_belongs_together_already_and_blank_pictures_give_no_pairs() -> None:
    blank = np.full((48, 48), 128, np.uint8)
    assert not list(find_pairs(thumbs(drawn(1), drawn(1)), np.array([7, 7])))
    assert not list(find_pairs(thumbs(blank, blank), np.arange(2)))


def test_copies_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    table = thumbs(*(drawn(seed) for seed in (*range(20), 3, 17)))
    whole = [(pair.one, pair.other) for pair in find_pairs(table, np.arange(22))]
    monkeypatch.setattr(duplicates, "_BLOCK", 4)
    assert [(pair.one, pair.other) for pair in find_pairs(table, np.arange(22))] == whole == [(3, 20), (17, 21)]


def test_clips_of_one_person_give_one_pair_a_block_with_another() -> None:
    table = thumbs(*[drawn(1)] * 30)
    assert len(list(find_pairs(table, np.array([0] * 15 + [1] * 15)))) == 1
