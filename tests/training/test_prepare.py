import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.types import Face, ImageRgb
from assistant.vision.align import align_face, whole_image_landmarks
from tests.dataset_builders import (
    drawn,
    found,
    run_prepare,
    write_annotations,
    write_ferplus,
    write_manifest,
    write_picture,
)
from training import cache
from training.partial import MARGIN, SIZE_PX
from training.splits import LeakError


def test_a_prepared_folder_holds_what_training_reads(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    manifest = run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    table = cache.read_table(tmp_path / "out")
    crops = np.load(tmp_path / "out" / "crops.npy", mmap_mode="r")
    assert crops.shape == (60, 144, 144)
    assert crops.dtype == np.uint8
    assert table["au"].shape == table["second"].shape == (60, 18)
    assert table["emotion"].shape == (60, 8)
    assert not table["coder"].any(), "the codes came with the pictures"
    assert cache.verify(tmp_path / "out") == manifest
    listed = {
        split: (tmp_path / "out" / "splits" / f"{split}.txt").read_text(encoding="utf-8").split()
        for split in ("train", "valid", "test")
    }
    assert sorted(name for names in listed.values() for name in names) == sorted(table["names"].tolist())
    shown = sum(summary["units"]["faces"]["AU12"]["present"] for summary in manifest["splits"].values())
    assert shown == 30
    assert manifest["splits"]["train"]["units"]["faces"]["AU01"]["missing"] == len(listed["train"])


def test_crops_are_those_of_the_runtime(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    table = cache.read_table(tmp_path / "out")
    crops = np.load(tmp_path / "out" / "crops.npy")
    place = table["names"].tolist().index("faces/p03_1.png")
    picture = np.repeat(drawn(7, 64)[..., None], 3, axis=-1)
    assert np.array_equal(crops[place], align_face(picture, whole_image_landmarks(64, 64), SIZE_PX, MARGIN))


def test_a_box_restricts_the_search_and_landmarks_come_back_to_the_picture(tmp_path: Path) -> None:
    write_manifest(tmp_path / "faces")
    text = (tmp_path / "faces" / "labels.csv").read_text(encoding="utf-8").splitlines()
    lines = [text[0] + ",box", *(line + ",16 16 48 48" for line in text[1:])]
    (tmp_path / "faces" / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    seen: list[tuple[tuple[int, ...], bool]] = []

    def locate(image_rgb: ImageRgb, tight: bool) -> Face | None:
        seen.append((image_rgb.shape, tight))
        return found(image_rgb, tight)

    run_prepare(tmp_path / "out", "--source", f"manifest={tmp_path / 'faces'}", locate=locate)
    assert set(seen) == {((48, 48, 3), True)}  # the box with a quarter of it around
    picture = np.repeat(drawn(0, 64)[..., None], 3, axis=-1)
    expected = align_face(picture, whole_image_landmarks(48, 48) + 8, SIZE_PX, MARGIN)
    assert np.array_equal(np.load(tmp_path / "out" / "crops.npy")[0], expected)


def test_a_face_that_is_not_found_is_guessed_in_a_tight_picture_and_unusable_in_another(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "data" / "ferplus", train=20)
    path = write_manifest(tmp_path / "faces")
    arguments = ("--data", str(tmp_path / "data"), "--source", f"manifest={path}")
    manifest = run_prepare(tmp_path / "out", *arguments, locate=lambda image, tight: None)
    table = cache.read_table(tmp_path / "out")
    assert manifest["no_face_found"] == len(table["names"])
    assert table["usable"].tolist() == (table["part"] != "faces").tolist()


def test_copies_in_different_sources_come_into_one_group_and_are_listed(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "data" / "ferplus", train=20, valid=2)
    path = write_manifest(tmp_path / "faces")
    mirrored = drawn(1003)[:, ::-1]
    cv2.imwrite(str(tmp_path / "faces" / "p05_1.png"), cv2.resize(mirrored, (96, 96)))
    cv2.imwrite(str(tmp_path / "faces" / "p06_1.png"), cv2.resize(drawn(1020), (96, 96)))  # of FER+'s valid part
    run_prepare(tmp_path / "out", "--data", str(tmp_path / "data"), "--source", f"manifest={path}")
    table = cache.read_table(tmp_path / "out")
    rows = {name: place for place, name in enumerate(table["names"].tolist())}
    copies = [rows["ferplus/fer0000003"], rows["faces/p05_1.png"], rows["faces/p05_0.png"]]
    assert len(set(table["group"][copies].tolist())) == 1
    assert set(table["split"][[rows["faces/p06_0.png"], rows["faces/p06_1.png"]]].tolist()) == {"test"}
    listed = (tmp_path / "out" / "duplicates.csv").read_text(encoding="utf-8")
    assert "ferplus/fer0000003,faces/p05_1.png" in listed
    assert len(listed.splitlines()) == 3


def test_annotations_and_votes_reach_the_table(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "ferplus", train=60, valid=4)
    records = [
        {"image": f"ferplus/fer{n:07d}", "au": {"AU12": 2} if n % 2 else {"AU04": 1}, "unsure": ["AU06"]}
        for n in range(64)
    ]
    write_annotations(tmp_path / "au" / "annotations.jsonl", records)
    silent = ",".join(f"AU{n:02d}" for n in (1, 2, 5, 7, 9, 10, 14, 15, 17, 20, 23, 24, 25, 26, 43))
    run_prepare(tmp_path / "out", "--data", str(tmp_path), "--allow-empty", silent)
    table = cache.read_table(tmp_path / "out")
    assert set(np.unique(table["au"])) == {-1, 0, 1, 2}
    assert (table["emotion"].argmax(1) == 1).all()
    assert (table["split"][table["part"] == "valid"] == "test").all()


def test_a_second_run_uses_the_crops_again_and_a_new_seed_splits_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_manifest(tmp_path / "faces", people=60)
    arguments = ("--source", f"manifest={path}")
    run_prepare(tmp_path / "out", *arguments)
    before = (tmp_path / "out" / "splits" / "train.txt").read_bytes()
    inode = (tmp_path / "out" / "crops.npy").stat().st_ino

    def never(image_rgb: ImageRgb, tight: bool) -> Face | None:
        raise AssertionError("the detector was asked again")

    run_prepare(tmp_path / "out", *arguments, locate=never)
    assert (tmp_path / "out" / "splits" / "train.txt").read_bytes() == before
    run_prepare(tmp_path / "out", *arguments, "--seed", "5", locate=never)
    assert (tmp_path / "out" / "splits" / "train.txt").read_bytes() != before
    assert (tmp_path / "out" / "crops.npy").stat().st_ino == inode
    assert "used again" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="asked again"):
        run_prepare(tmp_path / "out", *arguments, "--fresh", locate=never)
    assert cache.verify(tmp_path / "out")["seed"] == 5


def test_labels_that_changed_are_read_again_without_cutting(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    path.write_text(path.read_text(encoding="utf-8").replace("P00,2,2", "P00,3,0"), encoding="utf-8")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    assert cache.read_table(tmp_path / "out")["au"].max() == 3


def test_a_new_list_of_annotations_takes_neither_crops_nor_blendshapes_away(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    before = cache.read_table(tmp_path / "out")
    shapes = np.random.default_rng(0).random((len(before["names"]), 52)).astype(np.float32)
    cache.add_columns(tmp_path / "out", {"blendshapes": shapes})
    codes = tmp_path / "codes.jsonl"
    codes.write_text(f'{{"image": "{before["names"][0]}", "annotator": "a", "au": {{}}}}\n', encoding="utf-8")

    def never(image_rgb: ImageRgb, tight: bool) -> Face | None:
        raise AssertionError("the detector was asked again")

    run_prepare(tmp_path / "out", "--source", f"manifest={path}", "--source", f"annotated={codes}", locate=never)
    assert np.array_equal(cache.read_table(tmp_path / "out")["blendshapes"], shapes)


def test_training_and_measuring_notice_a_leak_made_by_hand(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    table = cache.read_table(tmp_path / "out")
    leak = table["split"].copy()
    leak[0] = "test" if leak[0] != "test" else "train"
    with pytest.raises(LeakError, match="same person"):
        cache.write(tmp_path / "other", {**table, "split": leak}, [], {}, None)
    cache.add_columns(tmp_path / "out", {"split": leak})
    with pytest.raises(LeakError, match="same person"):
        cache.verify(tmp_path / "out")


def test_a_list_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    listed = tmp_path / "out" / "splits" / "train.txt"
    listed.write_text(listed.read_text(encoding="utf-8") + "faces/extra.png\n", encoding="utf-8")
    with pytest.raises(LeakError, match="was changed"):
        cache.verify(tmp_path / "out")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    cache.verify(tmp_path / "out")


def test_the_manifest_names_no_folder_of_the_person_who_prepared(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces")
    run_prepare(tmp_path / "out", "--source", f"manifest={path}")
    text = (tmp_path / "out" / "splits" / "manifest.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert json.loads(text)["sources"] == [{"kind": "manifest", "name": "labels.csv"}]


def test_an_unlabelled_folder_can_be_prepared(tmp_path: Path) -> None:
    for person in range(30):
        write_picture(tmp_path / "faces" / f"p{person}" / "1.png", person)
    manifest = run_prepare(tmp_path / "out", "--source", f"folder={tmp_path / 'faces'}")
    assert manifest["pictures"] == 30
    assert (cache.read_table(tmp_path / "out")["au"] == -2).all()
