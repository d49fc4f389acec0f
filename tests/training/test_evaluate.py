"""The evaluation, the manifest's figures and the card, on the tiny golden model and faces of noise."""

import json

import numpy as np
import pytest

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.inference.manifest import Manifest, verify
from tests.model_builders import manifest, model_folder
from tests.training_builders import made_faces, write_faces
from training import __main__ as command
from training import card, evaluate, leak, metrics, report, slices
from training.faces import Faces
from training.splits import LeakError


@pytest.fixture(scope="module")
def faces():
    return made_faces(400, sources=("mine", "mine", "bp4d", "rendered"))


@pytest.fixture(scope="module")
def evaluation(faces, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "REPLICATES", 50)
        subject = evaluate.Subject(model_folder(tmp_path_factory.mktemp("models")))
        return evaluate.evaluate(subject, faces, "test")


def test_only_held_out_faces_are_measured(evaluation, faces):
    held_out = faces.annotated("test")
    assert sum(table["faces"] for table in evaluation["tables"].values()) == held_out.sum()


def test_kinds_of_labels_are_never_in_one_number(evaluation, faces):
    assert set(evaluation["tables"]) == {"annotated by eye", "BP4D", "rendered faces"}
    mine = faces.annotated("test") & (faces.source == "mine")
    assert evaluation["tables"]["annotated by eye"]["faces"] == mine.sum()
    assert set(evaluation["slices"]) == set(evaluation["tables"])
    assert list(evaluation["papers"]) == ["BP4D"]
    assert len(evaluation["papers"]["BP4D"]) == 13


def test_figures_are_those_of_the_model(evaluation, faces, tmp_path):
    subject = evaluate.Subject(model_folder(tmp_path))
    mine = faces.where(faces.annotated("test") & (faces.source == "mine"))
    found, labels = subject.predict(mine.crops), metrics.occurrence(mine.columns["au"])
    row = evaluation["tables"]["annotated by eye"]["units"]["AU12"]
    column = AU_ORDER.index("AU12")
    assert row["auc"] == pytest.approx(metrics.roc_auc(labels[:, column], found[:, column]))
    assert row["support"] == (labels[:, column] == 1).sum()


def test_a_person_in_two_splits_is_an_error(tmp_path):
    faces = made_faces(40)
    faces.columns["group"][faces.columns["split"] == "test"] = faces.columns["group"][0]
    with pytest.raises(LeakError):
        evaluate.evaluate(evaluate.Subject(model_folder(tmp_path)), faces, "test")


def test_a_split_without_labels_is_an_error(tmp_path):
    faces = made_faces(40)
    faces.columns["au"][faces.columns["split"] == "test"] = -2
    with pytest.raises(ModelError, match="test split"):
        evaluate.evaluate(evaluate.Subject(model_folder(tmp_path)), faces, "test")


def test_second_annotator_is_measured_on_the_same_faces():
    faces = made_faces(60)
    faces.columns["second"][:30] = -2
    faces.columns["second"][30:, 0] = 1 - faces.columns["au"][30:, 0]
    found = faces.columns["au"].astype(np.float32)
    table = evaluate.annotators(faces, found, np.full(18, 0.5))
    assert table["faces"] == 30
    assert table["units"]["AU01"]["second"] == 0.0
    assert table["units"]["AU02"]["second"] == 1.0
    assert all(row["model"] == 1.0 for row in table["units"].values())


def test_saved_figures_stand_in_manifest_and_card(evaluation, tmp_path):
    folder = model_folder(tmp_path)
    evaluate.save(folder, evaluation)
    unit = Manifest.load(folder).action_units["AU12"]
    row = evaluation["tables"]["annotated by eye"]["units"]["AU12"]
    assert (unit.auc, unit.f1, unit.support) == (row["auc"], row["f1"], row["support"])
    verify(folder)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    text = card.write(folder).read_text(encoding="utf-8")
    assert f"{row['auc']:.3f}" in text
    for words in ("not by certified FACS coders", "Apache-2.0", "BP4D as in papers", "lip corner puller"):
        assert words in text
    for picture in ("auc.png", "reliability.png", "precision_recall.png"):
        assert f"]({picture})" in text
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")


def test_a_card_tells_where_the_mirror_image_is_asked_about_too(evaluation):
    once, twice = (manifest(output="log-odds", mirrored=mirrored) for mirrored in (False, True))
    assert "mirror image" not in card.text(once, evaluation, {})
    assert "mirror image" in card.text(twice, evaluation, {})


def test_a_card_tells_what_was_calibrated_on(evaluation):
    alone, both = (manifest(training={"calibrated_on": {"train": train, "valid": 1742}}) for train in (0, 1786))
    assert "fitted on valid." in card.text(alone, evaluation, {})
    assert "also on 1,786 faces of train" in card.text(both, evaluation, {})


def test_a_card_of_another_file_is_refused(evaluation, tmp_path):
    folder = model_folder(tmp_path)
    evaluate.save(folder, {**evaluation, "sha256": "0" * 64})
    with pytest.raises(ModelError, match="another model file"):
        card.write(folder)


def test_a_model_that_was_not_evaluated_has_no_card(tmp_path):
    with pytest.raises(ModelError, match=r"evaluation\.json"):
        card.write(model_folder(tmp_path))


def test_command_prints_tables_and_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(metrics, "REPLICATES", 20)
    folder, data = model_folder(tmp_path), write_faces(tmp_path / "data", made_faces(30))
    assert command.main(["evaluate", str(folder), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["split"] == "test"
    assert command.main(["evaluate", str(folder), "--data", str(data), "--split", "valid"]) == 0
    out = capsys.readouterr().out
    assert "AU43" in out
    assert "not measured" in out
    assert not (folder / "evaluation.json").exists()


def test_words_of_every_table(evaluation):
    text = report.words(evaluation)
    for words in ("annotated by eye", "BP4D, F1 x 100", "rendered faces", "face of 24 px", "low light", "source mine"):
        assert words in text


def test_shrinking_loses_detail_and_darkening_keeps_order():
    crop = np.tile(np.uint8([[0, 255], [255, 0]]), (72, 72))
    assert slices.shrunk(24)(crop).std() < 5 < crop.std()
    assert (slices.shrunk(112)(crop) == crop).all()
    ramp = np.tile(np.linspace(0, 255, 144), (144, 1)).astype(np.uint8)
    dark = slices.darkened(3.0)(ramp)
    assert dark.mean() < ramp.mean() / 1.5
    assert np.corrcoef(dark.mean(0), ramp.mean(0))[0, 1] > 0.9


def test_tone_and_age_are_slices_where_they_are_known():
    faces = made_faces(20)
    columns = {**faces.columns, "tone": np.array(["light", "dark"] * 10), "age": np.array([""] * 20)}
    names = [name for name, _ in slices.kinds(Faces(faces.crops, columns))]
    assert names == ["source mine", "tone dark", "tone light"]


def people_who_never_change(count=400, each=4, seed=0):
    """Return faces whose features tell who it is, and whose units are the person's own and nothing else's."""
    rng = np.random.default_rng(seed)
    faces = made_faces(count, each=each)
    person = np.arange(count) // each
    faces.columns["au"][:] = (rng.random((person.max() + 1, 18)) < 0.5)[person]
    values = rng.normal(size=(person.max() + 1, 64))[person] + 0.1 * rng.normal(size=(count, 64))
    return values, faces


@pytest.mark.slow
def test_the_leak_of_a_random_split_is_visible():
    values, faces = people_who_never_change()
    table = leak.compare(values, faces)
    assert table["random"]["mean"] > 0.75
    assert abs(table["disjoint"]["mean"] - 0.5) < 0.1
    assert table["repeated"] == 400


@pytest.mark.slow
def test_without_repeated_people_nothing_leaks():
    values, faces = people_who_never_change(each=1)
    table = leak.compare(values, faces)
    assert table["repeated"] == 0
    assert abs(table["random"]["mean"] - table["disjoint"]["mean"]) < 0.03


def test_a_unit_of_one_person_is_left_out_of_the_comparison_of_splits():
    faces = made_faces(120)
    au = np.zeros((120, 18), np.int8)
    au[:60, 0] = 1
    au[:60, 1] = np.arange(60) % 2 + np.arange(60) % 2
    au[60:, 1] = 1
    group = np.array(["one"] * 60 + [f"p{i}" for i in range(60)])
    faces = Faces(faces.crops, {**faces.columns, "au": au, "group": group})
    values = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    table = leak.compare(values, faces)
    assert all(np.isfinite(table[kind]["mean"]) for kind in ("random", "disjoint") if table[kind]["mean"] is not None)
    json.dumps(table, allow_nan=False)


def test_without_faces_coded_by_eye_splits_are_not_compared(monkeypatch):
    faces = made_faces(4)
    none = faces.where(np.zeros(4, bool))
    monkeypatch.setattr(Faces, "where", lambda *_: none)
    assert evaluate._leak(None, faces) is None
