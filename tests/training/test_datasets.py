from pathlib import Path

import cv2
import numpy as np
import pytest

from assistant.facs import AU_ORDER, index
from tests.dataset_builders import (
    drawn,
    write_annotations,
    write_clip,
    write_ferplus,
    write_manifest,
    write_picture,
)
from training.datasets import bp4d, ckplus, congress, disfa, ferplus, london, manifest, muxspace
from training.datasets.annotated import annotate, digest
from training.datasets.gather import KINDS, gather, wanted
from training.datasets.pictures import read_picture
from training.datasets.sample import DataError, Sample, grade, row_of, row_of_numbers


def labels(sample: Sample) -> dict[str, int]:
    """Return what is known of a sample, by code."""
    assert sample.au is not None
    return {code: int(value) for code, value in zip(AU_ORDER, sample.au, strict=True) if value != -1}


def by_name(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.name: sample for sample in samples}


def test_ferplus_gives_votes_in_the_order_of_the_expressions_and_groups_repeated_pictures(tmp_path: Path) -> None:
    write_ferplus(tmp_path, train=4, valid=2, groups={"0": [1, 3], "1": [3, 5]})
    samples = ferplus.samples(tmp_path)
    assert [sample.part for sample in samples] == ["train"] * 4 + ["valid"] * 2
    assert [sample.held_out for sample in samples] == [False] * 4 + [True] * 2
    assert samples[0].emotion is not None
    assert samples[0].emotion.tolist() == [0, 9, 0, 0, 0, 0, 0, 0]
    assert samples[1].person == samples[3].person == samples[5].person != samples[0].person
    assert np.array_equal(samples[2].read()[..., 1], drawn(1002))


def test_ferplus_leaves_out_a_row_that_repeats_another_and_refuses_one_that_contradicts_it(tmp_path: Path) -> None:
    write_ferplus(tmp_path, train=3, valid=1)
    stored = dict(np.load(tmp_path / "train.npz"))
    twice = {
        key: value if key == "vote_columns" else np.concatenate([value, value[:1]]) for key, value in stored.items()
    }
    np.savez(tmp_path / "train.npz", **twice)
    assert len(ferplus.samples(tmp_path)) == 4
    twice["images"][-1] = drawn(5)
    np.savez(tmp_path / "train.npz", **twice)
    with pytest.raises(DataError, match="two different pictures called fer0000000"):
        ferplus.samples(tmp_path)


def test_muxspace_takes_the_person_from_the_name_and_one_vote_from_the_word(tmp_path: Path) -> None:
    for name in ("Ann_Lee_0001", "Ann_Lee_0002", "Bo_0001"):
        write_picture(tmp_path / f"{name}.jpg", 1)
    (tmp_path / "labels.csv").write_text("image,emotion\nAnn_Lee_0001,anger\nBo_0001,puzzlement\n", encoding="utf-8")
    samples = by_name(muxspace.samples(tmp_path))
    assert samples["muxspace/Ann_Lee_0001.jpg"].person == samples["muxspace/Ann_Lee_0002.jpg"].person
    assert samples["muxspace/Bo_0001.jpg"].person == "muxspace/Bo"
    emotion = samples["muxspace/Ann_Lee_0001.jpg"].emotion
    assert emotion is not None
    assert emotion.argmax() == 4
    assert samples["muxspace/Bo_0001.jpg"].emotion is None


def test_london_and_congress_name_people_and_are_not_tightly_cut(tmp_path: Path) -> None:
    write_picture(tmp_path / "london" / "007_neutral.jpg", 1)
    write_picture(tmp_path / "london" / "007_smiling.jpg", 2)
    write_picture(tmp_path / "congress" / "A000014.jpg", 3)
    pair = london.samples(tmp_path / "london")
    assert {sample.person for sample in pair} == {"london/007"}
    (portrait,) = congress.samples(tmp_path / "congress")
    assert not portrait.tight
    assert portrait.au is None
    assert portrait.read().shape == (64, 64, 3)


def test_annotations_are_laid_over_pictures_and_unsure_units_are_missing(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "ferplus")
    write_annotations(
        tmp_path / "au" / "annotations.jsonl",
        [
            {"image": "ferplus/fer0000001", "annotator": "a", "usable": True, "au": {"AU12": 3}, "unsure": ["AU06"]},
            {"image": "ferplus/fer0000001", "annotator": "b", "usable": True, "au": {}, "unsure": []},
            {"image": "ferplus/fer0000002", "annotator": "a", "usable": False, "au": {}},
        ],
    )
    samples = by_name(gather(wanted(tmp_path, [])))
    one = samples["ferplus/fer0000001"]
    assert labels(one) == {code: 3 if code == "AU12" else 0 for code in AU_ORDER if code != "AU06"}
    assert one.second is not None
    assert one.second.tolist() == [0] * 18
    assert not samples["ferplus/fer0000002"].usable
    assert samples["ferplus/fer0000003"].au is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"image": "x", "au": {"AU99": 1}}', r"line 1: The Action Unit 'AU99' is unknown"),
        ('{"image": "x", "au": {"AU12": 7}}', r"line 1: AU12 has the intensity 7"),
        ('{"image": "x"}', r"line 1: this is no annotation"),
        ("not json", r"line 1: this is no annotation"),
    ],
)
def test_a_wrong_annotation_is_named_with_its_line(tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        annotate([], tmp_path / "a.jsonl")


def test_a_list_without_names_is_laid_over_and_comes_second(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "ferplus")
    named = [{"image": "ferplus/fer0000001", "annotator": "a", "au": {"AU12": 3}}]
    hidden = [{"image": digest(f"ferplus/fer000000{n}"), "annotator": "b", "au": {"AU04": 2}} for n in (1, 2)]
    write_annotations(tmp_path / "a.jsonl", named)
    write_annotations(tmp_path / "b.jsonl", hidden)
    lists = [f"annotated={tmp_path / name}" for name in ("a.jsonl", "b.jsonl")]
    samples = by_name(gather(wanted(tmp_path, lists)))
    assert labels(samples["ferplus/fer0000001"])["AU12"] == 3
    assert labels(samples["ferplus/fer0000001"])["AU04"] == 0
    assert samples["ferplus/fer0000001"].second[AU_ORDER.index("AU04")] == 2
    assert samples["ferplus/fer0000002"].second is None
    assert [samples[f"ferplus/fer000000{n}"].coder for n in (1, 2, 3)] == [1, 2, 0]
    assert labels(samples["ferplus/fer0000002"])["AU04"] == 2
    assert samples["ferplus/fer0000003"].au is None


def test_annotations_of_other_pictures_are_refused(tmp_path: Path) -> None:
    write_ferplus(tmp_path / "ferplus")
    write_annotations(tmp_path / "a.jsonl", [{"image": "elsewhere/1.jpg", "au": {}}])
    with pytest.raises(DataError, match="None of the pictures"):
        gather(wanted(tmp_path, [f"annotated={tmp_path / 'a.jsonl'}"]))


def test_a_csv_list_gives_labels_persons_and_boxes_and_leaves_the_rest_missing(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    write_picture(tmp_path / "sub" / "b.png", 2)
    (tmp_path / "labels.csv").write_text(
        "image,person,box,AU06,AU12,AU25\na.png,P1,1 2 30 40,B,3,\nsub/b.png,P2,,-1,0,D\n", encoding="utf-8"
    )
    one, two = manifest.samples(tmp_path)
    assert labels(one) == {"AU06": 1, "AU12": 3}
    assert labels(two) == {"AU12": 0, "AU25": 3}
    assert one.box_xyxy == (1, 2, 30, 40)
    assert one.person.endswith("/P1")
    assert two.box_xyxy is None


def test_a_jsonl_list_says_the_same(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    line = '{"image": "a.png", "person": "P1", "au": {"AU12": 2, "AU04": 0}, "unsure": ["AU06"], "box": [0, 0, 9, 9]}'
    (tmp_path / "labels.jsonl").write_text(line + "\n\n", encoding="utf-8")
    (one,) = manifest.samples(tmp_path / "labels.jsonl")
    assert labels(one) == {"AU12": 2, "AU04": 0}
    assert one.box_xyxy == (0, 0, 9, 9)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("image,person,AU6\na.png,P1,1\n", r"line 1: The Action Unit 'AU6' is unknown\. Did you mean AU06"),
        ("image,AU06\na.png,1\n", r"line 1: the column person is missing"),
        ("image,person,AU06\na.png,P1,9\n", r"line 2: AU06 is '9'"),
        ("image,person,AU06\na.png,,1\n", r"line 2: The person is empty"),
        ("image,person,AU06\na.png,P1,1\nb.png,P1,1\n", r"line 3: The picture .*b\.png is missing"),
        ("image,person,box\na.png,P1,1 2 3\n", r"line 2: The box '1 2 3' is not four numbers"),
        ("image,person,box\na.png,P1,5 5 5 9\n", r"line 2: The box '5 5 5 9' is empty"),
        ("image,person\n", "lists no picture"),
    ],
)
def test_a_wrong_list_is_named_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        manifest.samples(tmp_path / "labels.csv")


def test_a_folder_without_a_list_takes_the_first_folder_as_the_person(tmp_path: Path) -> None:
    write_picture(tmp_path / "ann" / "1.png", 1)
    write_picture(tmp_path / "ann" / "2.png", 2)
    write_picture(tmp_path / "lone.png", 3)
    samples = manifest.samples(tmp_path)
    assert len({sample.person for sample in samples}) == 2
    assert all(sample.au is None for sample in samples)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no picture"):
        manifest.samples(tmp_path / "empty")


def test_bp4d_joins_tables_and_frames_whatever_the_number_of_digits(tmp_path: Path) -> None:
    tables = tmp_path / "AUCoding" / "AU_OCC"
    tables.mkdir(parents=True)
    (tables / "F001_T1.csv").write_text(
        "0,1,6,12,26,27,28\n1,0,1,9,0,1,1\n2,1,0,0,0,0,0\n9,1,0,0,0,0,0\n", encoding="utf-8"
    )
    (tables / "M002_T8.csv").write_text("0,1,6\n7,0,0\n", encoding="utf-8")
    write_picture(tmp_path / "Sequences" / "F001" / "T1" / "001.jpg", 1)
    write_picture(tmp_path / "Sequences" / "F001" / "T1" / "002.jpg", 2)
    write_picture(tmp_path / "Sequences" / "M002" / "T8" / "0007.jpg", 3)
    samples = by_name(bp4d.samples(tmp_path))
    assert set(samples) == {"bp4d/F001/T1/001.jpg", "bp4d/F001/T1/002.jpg", "bp4d/M002/T8/0007.jpg"}
    first = samples["bp4d/F001/T1/001.jpg"]
    assert labels(first) == {"AU01": 0, "AU06": 1, "AU26": 1}  # 9 is missing, 27 belongs to AU26, 28 is not ours
    assert first.person == "bp4d/F001"
    assert first.read().shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", "line 1"),
        ("0,one\n1,0\n", "line 1"),
        ("0,1\n1,5\n", "line 2"),
        ("0,1\n1\n", "line 2"),
        ("0,1,444\n1,0,0\n", r"line 2: The Action Unit 444 is unknown"),
    ],
)
def test_a_damaged_bp4d_table_is_named_with_its_line(tmp_path: Path, table: str, fault: str) -> None:
    (tmp_path / "AUCoding" / "AU_OCC").mkdir(parents=True)
    (tmp_path / "AUCoding" / "AU_OCC" / "F001_T1.csv").write_text(table, encoding="utf-8")
    write_picture(tmp_path / "Sequences" / "F001" / "T1" / "1.jpg", 1)
    with pytest.raises(DataError, match=fault):
        bp4d.samples(tmp_path)


def write_disfa(root: Path, frames: int = 3) -> None:
    folder = root / "ActionUnit_Labels" / "SN001"
    folder.mkdir(parents=True)
    (folder / "SN001_au1.txt").write_text("".join(f"{n},{n - 1}\n" for n in range(1, frames + 1)), encoding="utf-8")
    (folder / "SN001_au12.txt").write_text("".join(f"{n},5\n" for n in range(1, frames + 1)), encoding="utf-8")


def test_disfa_reads_frames_of_the_clip_in_any_order(tmp_path: Path) -> None:
    write_disfa(tmp_path)
    write_clip(tmp_path / "Video_LeftCamera" / "LeftVideoSN001_comp.avi", [11, 12, 13])
    samples = disfa.samples(tmp_path)
    assert [labels(sample) for sample in samples] == [
        {"AU01": 0, "AU12": 3},
        {"AU12": 3},  # intensity A is left out of training
        {"AU01": 1, "AU12": 3},
    ]
    for place in (0, 2, 1):
        read = samples[place].read()[..., 0].astype(float)
        likeness = [np.corrcoef(read.ravel(), drawn(seed, 64).ravel())[0, 1] for seed in (11, 12, 13)]
        assert int(np.argmax(likeness)) == place
        assert max(likeness) > 0.95


@pytest.mark.parametrize(("trace", "expected"), [("absent", 0), ("present", 1)])
def test_disfa_counts_intensity_a_as_it_is_asked_to(tmp_path: Path, trace: disfa.Trace, expected: int) -> None:
    write_disfa(tmp_path)
    for number in (1, 2, 3):
        write_picture(tmp_path / "Video_LeftCamera" / "LeftVideoSN001_comp" / f"SN001_{number:05d}.png", number)
    samples = disfa.samples(tmp_path, trace)
    assert labels(samples[1])["AU01"] == expected
    assert np.array_equal(samples[1].read()[..., 0], drawn(2, 64))


def test_disfa_faults_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ActionUnit_Labels is missing"):
        disfa.samples(tmp_path)
    write_disfa(tmp_path)
    with pytest.raises(DataError, match=r"neither LeftVideoSN001_comp\.avi"):
        disfa.samples(tmp_path)
    write_clip(tmp_path / "Video_LeftCamera" / "LeftVideoSN001_comp.avi", [11])
    with pytest.raises(DataError, match="no frame 2"):
        disfa.samples(tmp_path)[2].read()
    (tmp_path / "ActionUnit_Labels" / "SN001" / "SN001_au1.txt").write_text("1,0\n2,8\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"SN001_au1\.txt, line 2: The intensity 8"):
        disfa.samples(tmp_path)


def test_disfaplus_shares_its_people_with_disfa(tmp_path: Path) -> None:
    trial = tmp_path / "Labels" / "SN001" / "Y_surprise_TrailNo_1"
    trial.mkdir(parents=True)
    (trial / "AU1.txt").write_text("heading of the file\n\n000.jpg    4\n001.jpg    0\n", encoding="utf-8")
    (trial / "AU26.txt").write_text("heading of the file\n\n000.jpg    2\n001.jpg    0\n", encoding="utf-8")
    for number in (0, 1):
        write_picture(tmp_path / "Images" / "SN001" / trial.name / f"{number:03d}.jpg", number)
    one, two = disfa.plus_samples(tmp_path)
    assert labels(one) == {"AU01": 3, "AU26": 1}
    assert labels(two) == {"AU01": 0, "AU26": 0}
    assert one.person == "disfa/SN001"
    assert one.read().shape == (64, 64, 3)


def test_ckplus_gives_the_peak_as_coded_and_the_first_picture_as_neutral(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write_picture(tmp_path / "cohn-kanade-images" / "S005" / "001" / f"S005_001_{number:08d}.png", number)
    facs = tmp_path / "FACS" / "S005" / "001"
    facs.mkdir(parents=True)
    label = facs / "S005_001_00000003_facs.txt"
    label.write_text("   9.0000000e+00   4.0000000e+00\n   1.7000000e+01   0.0000000e+00\n", encoding="utf-8")
    neutral, peak = ckplus.samples(tmp_path)
    assert set(labels(neutral).values()) == {0}
    assert {code: value for code, value in labels(peak).items() if value} == {"AU09": 3, "AU17": 1}
    assert np.array_equal(peak.read()[..., 0], drawn(3, 64))
    label.write_text("nine four\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"_facs\.txt, line 1"):
        ckplus.samples(tmp_path)
    (tmp_path / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000003.png").unlink()
    with pytest.raises(DataError, match=r"00000003\.png is missing"):
        ckplus.samples(tmp_path)


def test_every_kind_of_source_is_understood_and_others_are_refused(tmp_path: Path) -> None:
    assert wanted(None, [f"{kind}={tmp_path}" for kind in KINDS]) == [(kind, tmp_path) for kind in KINDS]
    for source, fault in (
        (f"kaggle={tmp_path}", "not understood"),
        ("bp4d", "not understood"),
        ("bp4d=/no", "missing"),
    ):
        with pytest.raises(DataError, match=fault):
            wanted(None, [source])
    with pytest.raises(DataError, match="No data"):
        wanted(None, [])
    with pytest.raises(DataError, match="none of the known folders"):
        wanted(tmp_path, [])


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_manifest(tmp_path / "faces", people=1)
    with pytest.raises(DataError, match="Two pictures are called faces/p00_0"):
        gather(wanted(None, [f"manifest={path}", f"folder={path.parent}"]))


def test_every_nth_frame_is_taken_of_clips_only(tmp_path: Path) -> None:
    write_disfa(tmp_path / "disfa")
    write_clip(tmp_path / "disfa" / "Video_LeftCamera" / "LeftVideoSN001_comp.avi", [1, 2, 3])
    path = write_manifest(tmp_path / "faces", people=2)
    samples = gather(wanted(None, [f"disfa={tmp_path / 'disfa'}", f"manifest={path}"]), every=2)
    assert [sample.part for sample in samples] == ["disfa"] * 2 + ["faces"] * 4


def test_numbers_and_codes_mean_the_same_unit() -> None:
    assert np.array_equal(row_of_numbers({6: 2}, -1), row_of({"AU06": 2}, -1))
    assert row_of_numbers({26: 0, 27: 1}, -1)[index("AU26")] == 1
    assert row_of_numbers({26: -1}, 0)[index("AU26")] == -1
    assert row_of_numbers({27: 0}, -1)[index("AU26")] == -1  # not stretched says nothing of open
    assert row_of_numbers({26: -1, 27: 0}, 0)[index("AU26")] == -1
    assert [grade(value) for value in range(6)] == [0, 1, 1, 2, 3, 3]


def test_a_list_without_labels_names_people_only(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "labels.csv").write_text("image,person\na.png,ann\n", encoding="utf-8")
    (sample,) = manifest.samples(tmp_path / "labels.csv")
    assert sample.au is None


def test_a_header_that_claims_too_much_is_a_damaged_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise cv2.error("the size exceeds the limit")

    write_picture(tmp_path / "a.png", 1)
    monkeypatch.setattr(cv2, "imdecode", refuse)
    with pytest.raises(DataError, match=r"a\.png is damaged"):
        read_picture(tmp_path / "a.png")
