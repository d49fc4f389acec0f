"""Calibration, thresholds, and what a model may say it knows."""

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest

from assistant.facs import AU_ORDER
from tests.training_builders import made_faces, write_faces, write_run
from training import calibrate, metrics
from training.faces import Faces
from training.runs import Run, unit_logits
from training.splits import LeakError

SHIFTS = (-1.5, -0.5, -1.5)


def drawn(count, slope=1.0, shift=0.0, seed=0, spread=3.0):
    """Return logits of which slope * logit + shift are the true log odds, and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, count)
    odds = slope * logits + shift
    return logits, (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(np.int8)


def test_finds_the_true_line_with_many_cases():
    a, b, _ = calibrate.platt(*drawn(40_000, slope=0.5, shift=-1.0))
    assert a == pytest.approx(0.5, abs=0.03)
    assert b == pytest.approx(-1.0, abs=0.06)


def test_agrees_with_scikit_learn_where_the_prior_is_weak():
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    logits, labels = drawn(20_000, slope=0.8, shift=0.4, seed=2)
    theirs = linear.LogisticRegression(C=1e6).fit(logits[:, None], labels)
    a, b, _ = calibrate.platt(logits, labels)
    assert a == pytest.approx(theirs.coef_[0, 0], rel=0.01)
    assert b == pytest.approx(theirs.intercept_[0], abs=0.01)


def test_stays_near_the_logits_with_few_cases():
    logits, labels = drawn(6, slope=0.2, shift=-3.0, seed=1)
    a, b, _ = calibrate.platt(logits, labels)
    assert 0.4 < a < 1.6
    assert abs(b) < 2.5


@pytest.mark.parametrize("labels", [np.ones(9, np.int8), np.zeros(9, np.int8), np.full(9, -1, np.int8)])
def test_survives_one_class_and_none(labels):
    a, b, _ = calibrate.platt(np.linspace(-500, 500, 9), labels)
    assert a > 0
    assert np.isfinite([a, b]).all()


def test_probabilities_mean_what_the_first_list_of_annotators_would_say():
    logits, labels = drawn(1_000, shift=-1.0)
    other, liberal = drawn(4_000, shift=0.5, seed=4)
    of = np.repeat([1, 2], [1_000, 4_000])
    both, given = np.r_[logits, other], np.r_[labels, liberal]
    a, b, shifts = calibrate.platt(both, given, of)
    assert a == pytest.approx(1.0, abs=0.06)
    assert b == pytest.approx(-1.0, abs=0.2)
    assert set(shifts[:1_000]) == {0.0}
    assert shifts[1_000:] == pytest.approx(1.5, abs=0.25)
    assert calibrate.platt(both, given)[1] > 0, "taken for one list, they would be as liberal as the larger"


def test_a_list_with_few_cases_shifts_little():
    logits, labels = drawn(2_000)
    few, given = drawn(8, shift=4.0, seed=4)
    shifts = calibrate.platt(np.r_[logits, few], np.r_[labels, given], np.repeat([0, 3], [2_000, 8]))[2]
    assert 0 < shifts[-1] < 1


def test_a_list_that_did_not_code_the_unit_is_not_the_first():
    logits, labels = drawn(2_000, shift=1.0)
    both, given = np.r_[logits, np.zeros(50)], np.r_[labels, np.full(50, metrics.MISSING, np.int8)]
    a, b, shifts = calibrate.platt(both, given, np.repeat([2, 0], [2_000, 50]))
    assert (a, b) == calibrate.platt(logits, labels)[:2]
    assert not shifts.any()


def test_threshold_is_chosen_by_what_each_list_would_have_said():
    logits, labels = drawn(3_000, shift=-1.0)
    other, liberal = drawn(3_000, shift=0.5, seed=4)
    people, of = np.arange(6_000), np.repeat([1, 2], 3_000)
    both = calibrate.calibrate_unit(np.r_[logits, other], np.r_[labels, liberal], people, 6_000, of)
    alone = calibrate.calibrate_unit(logits, labels, people[:3_000], 3_000)
    mixed = calibrate.calibrate_unit(np.r_[logits, other], np.r_[labels, liberal], people, 6_000)

    def logit_from_which_it_counts(found):
        return (np.log(found.threshold / (1 - found.threshold)) - found.b) / found.a

    assert logit_from_which_it_counts(both) == pytest.approx(logit_from_which_it_counts(alone), abs=0.3)
    assert logit_from_which_it_counts(mixed) < logit_from_which_it_counts(alone) - 0.4


def test_calibration_lowers_the_error_on_other_people():
    logits, labels = drawn(4000, slope=0.5, shift=0.8)
    other, truth = drawn(4000, slope=0.5, shift=0.8, seed=9)
    a, b, _ = calibrate.platt(logits, labels)
    before = metrics.expected_calibration_error(truth, 1 / (1 + np.exp(-other)))
    after = metrics.expected_calibration_error(truth, 1 / (1 + np.exp(-(a * other + b))))
    assert after < 0.03 < 0.08 < before


def test_threshold_separates_what_can_be_separated():
    labels = np.repeat([0, 1], 300).astype(np.int8)
    probability = np.where(labels == 1, 0.7, 0.3) + np.random.default_rng(0).uniform(-0.05, 0.05, 600)
    assert calibrate.threshold(probability, labels) == 0.5
    labels[0] = metrics.MISSING
    assert calibrate.threshold(probability, labels) == 0.5


def test_threshold_is_half_of_the_greatest_f1():
    labels = np.r_[np.zeros(200), 1, 1].astype(np.int8)
    probability = np.r_[np.linspace(0, 0.8, 200), 0.95, 0.3]
    assert calibrate.threshold(probability, labels) == pytest.approx(0.5 * 2 / 3), "one of the two, and no other"
    assert calibrate.threshold(probability, np.zeros(202, np.int8)) == 0.5
    assert calibrate.threshold(probability / 100, labels) == pytest.approx(2 / 204), "said of all, two of 202 are right"


def test_threshold_serves_other_faces_as_well_as_their_own_best():
    logits, labels = drawn(4_000, shift=-3.0)
    other, truth = drawn(4_000, shift=-3.0, seed=9)
    place = calibrate.threshold(1 / (1 + np.exp(3.0 - logits)), labels)
    probability = 1 / (1 + np.exp(3.0 - other))
    best = max(metrics.f1(truth, probability >= x) for x in np.arange(0.02, 0.98, 0.02))
    assert metrics.f1(truth, probability >= place) > best - 0.01


def of_two_lists(few=40, many=200, from_train=400):
    """Return logits and faces: on valid the first list coded few and a readier one many; on train, the first alone."""
    sizes, count = (few, many, from_train), few + many + from_train
    units = [
        [
            drawn(size, shift=shift, seed=3 * unit + part)
            for part, (size, shift) in enumerate(zip(sizes, SHIFTS, strict=True))
        ]
        for unit in range(len(AU_ORDER))
    ]
    logits, au = (np.stack([np.concatenate([p[kind] for p in parts]) for parts in units], 1) for kind in (0, 1))
    columns = {
        "names": np.arange(count).astype(str),
        "group": np.arange(count),
        "part": np.repeat("mine", count),
        "au": au,
        "coder": np.repeat([1, 2, 1], sizes),
        "split": np.repeat(["valid", "valid", "train"], sizes),
    }
    return logits, Faces(np.zeros((count, 1, 1), np.uint8), columns)


def recoded(faces, au):
    """Return the faces with other codes."""
    return replace(faces, columns={**faces.columns, "au": au})


def by_heart(logits, faces):
    """Return the logits of a network that knows its training faces by heart."""
    answers = np.where(faces.columns["au"] == 1, 9.0, -9.0)
    return np.where((faces.columns["split"] == "train")[:, None], answers, logits)


def test_what_the_first_list_coded_of_train_serves_where_the_network_did_not_learn_it_by_heart():
    logits, faces = of_two_lists()
    assert calibrate.serves(logits, faces)
    assert not calibrate.serves(by_heart(logits, faces), faces)


def test_units_that_the_first_list_hardly_gave_do_not_say_what_serves():
    logits, faces = of_two_lists()
    rare = faces.columns["au"].copy()
    rare[:40, 1:] = 0
    rare[:4, 1:] = 1
    assert calibrate.serves(np.c_[logits[:, :1], by_heart(logits, faces)[:, 1:]], recoded(faces, rare))
    rare[:40, 0] = rare[:40, 1]
    assert not calibrate.serves(logits, recoded(faces, rare)), "none is left to say so"


def test_faces_of_train_calibrate_and_neither_judge_nor_set_the_threshold():
    logits, faces = of_two_lists()
    held, support = np.arange(240), np.full(18, 99)
    found = calibrate.calibrate(logits, faces, support)["AU01"]
    alone = calibrate.calibrate(logits[held], faces.where(held), support)["AU01"]
    assert abs(found.b + 1.5) < abs(alone.b + 1.5), "440 faces tell more of the first list than 40"
    x, y, lists = logits[:, 0], metrics.occurrence(faces.columns["au"])[:, 0], faces.columns["coder"]
    a, b, shifts = calibrate.platt(x, y, lists)
    p = 1 / (1 + np.exp(-(a * x + b + shifts)))
    assert found.threshold == calibrate.threshold(p[held], y[held]) != calibrate.threshold(p, y)


@pytest.mark.parametrize(
    ("of_held_out", "reason"), [(0, "0 held-out faces"), (1, "judged not to show it"), (None, "AUC may be as low")]
)
def test_held_out_people_alone_judge(of_held_out, reason):
    logits, faces = of_two_lists()
    au = faces.columns["au"].copy()
    au[:240] = np.random.default_rng(1).integers(0, 2, (240, 18)) if of_held_out is None else of_held_out
    faces = recoded(faces, au)
    judged = calibrate.calibrate(by_heart(logits, faces), faces, np.full(18, 99))
    assert reason in judged["AU01"].reason


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("heart", "from_train"), [(False, 400), (True, 0)])
def test_command_asks_held_out_people_whether_faces_of_train_serve(tmp_path, monkeypatch, capsys, heart, from_train):
    pytest.importorskip("keras", reason="Keras is not installed")
    logits, faces = of_two_lists()
    run = write_run(tmp_path / "run")
    blank = replace(faces, crops=np.zeros((640, 144, 144), np.uint8))
    data = write_faces(tmp_path / "data", replace(blank, columns=as_written(faces.columns)))
    answers = by_heart(logits, faces) if heart else logits
    monkeypatch.setattr(calibrate, "unit_logits", lambda run, crops: answers)
    parser = argparse.ArgumentParser()
    calibrate.add_arguments(parser)
    assert calibrate.run(parser.parse_args([str(run), "--data", str(data)])) == 0
    assert json.loads((run / "run.json").read_text())["calibrated_on"] == {"train": from_train, "valid": 240}
    assert f"240 faces of valid and {from_train} of train" in capsys.readouterr().out


def as_written(columns):
    """Return columns as `prepare` writes them: a person is text, a name has its source before it."""
    names = np.char.add("mine/", columns["names"])
    return {**columns, "names": names, "group": names, "second": columns["au"], "usable": np.ones(len(names), bool)}


def test_faces_of_train_are_asked_about_only_where_lists_share_the_valid_split():
    _, faces = of_two_lists()
    assert calibrate.teaching(faces).all()
    one = {**faces.columns, "coder": np.where(faces.columns["split"] == "valid", 1, 2)}
    assert (calibrate.teaching(replace(faces, columns=one)) == (faces.columns["split"] == "valid")).all()
    without = {name: column for name, column in faces.columns.items() if name != "coder"}
    assert (calibrate.teaching(replace(faces, columns=without)) == (faces.columns["split"] == "valid")).all()
    of_the_other = {**faces.columns, "coder": np.repeat([1, 2, 2], [40, 200, 400])}
    assert not calibrate.teaching(replace(faces, columns=of_the_other))[240:].any()


def test_knows_only_what_it_was_shown_to_know():
    logits, labels = drawn(400, slope=1.0, seed=3)
    people = np.arange(400)
    assert calibrate.calibrate_unit(logits, labels, people, 400).known
    assert "fewer than 20" in calibrate.calibrate_unit(logits, labels, people, 19).reason
    noise = np.random.default_rng(5).normal(size=400)
    assert "AUC" in calibrate.calibrate_unit(noise, labels, people, 400).reason
    rare = np.zeros(400, np.int8)
    rare[:3] = 1
    assert "held-out" in calibrate.calibrate_unit(logits, rare, people, 50).reason


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_command_writes_the_run(tmp_path, capsys):
    pytest.importorskip("keras", reason="Keras is not installed")
    run = write_run(tmp_path / "run")
    data = write_faces(tmp_path / "data", made_faces(100))
    parser = argparse.ArgumentParser()
    calibrate.add_arguments(parser)
    assert calibrate.run(parser.parse_args([str(run), "--data", str(data)])) == 0
    written = json.loads((run / "run.json").read_text())
    for key in ("calibration", "thresholds", "known"):
        assert list(written[key]) == list(AU_ORDER)
    assert written["seed"] == 1
    assert written["calibrated_on"] == {"train": 0, "valid": 20}
    assert not any(written["known"].values()), "a network of random weights knows nothing"
    assert "AU43" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mirrored", [False, True])
def test_calibrates_what_will_be_asked(tmp_path, mirrored):
    pytest.importorskip("keras", reason="Keras is not installed")
    run = write_run(tmp_path / "run", size_px=32)
    faces = made_faces(200)
    data = write_faces(tmp_path / "data", faces)
    parser = argparse.ArgumentParser()
    calibrate.add_arguments(parser)
    assert calibrate.run(parser.parse_args([str(run), "--data", str(data), *(["--mirrored"] if mirrored else [])])) == 0
    written = json.loads((run / "run.json").read_text())
    assert written["mirrored"] is mirrored
    held_out = faces.where(faces.annotated("valid"))
    plain, image = (unit_logits(Run(run, {**written, "mirrored": False}), x) for x in _both(held_out.crops))
    assert not np.allclose(plain, image, atol=1e-3)
    asked = (plain + image) / 2 if mirrored else plain
    known = unit_logits(Run.load(run), held_out.crops)
    np.testing.assert_allclose(known, asked, atol=1e-5)
    labels = metrics.occurrence(held_out.columns["au"])[:, 0]
    a, b, _ = calibrate.platt(asked[:, 0], labels)
    assert written["calibration"]["AU01"] == pytest.approx({"a": a, "b": b}, abs=1e-4)


def _both(crops):
    return crops, np.ascontiguousarray(crops[:, :, ::-1])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_people_the_run_has_learned_from_calibrate_nothing(tmp_path):
    pytest.importorskip("keras", reason="Keras is not installed")
    run = write_run(tmp_path / "run", split_seed=0)
    data = write_faces(tmp_path / "data", made_faces(100), seed=7)
    parser = argparse.ArgumentParser()
    calibrate.add_arguments(parser)
    with pytest.raises(LeakError, match="--seed 0"):
        calibrate.run(parser.parse_args([str(run), "--data", str(data)]))
    assert "calibration" not in json.loads((run / "run.json").read_text())
