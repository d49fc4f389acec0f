from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import OutputError
from assistant.expression.classifier import ExpressionModel
from assistant.facs import AU_ORDER, EXPRESSIONS, index
from assistant.inference.manifest import verify
from assistant.types import ActionUnits
from training import expression
from training.expression import TableError, fit_expression
from training.softmax import Network, _loss, _pack, _unpack, moments, softmax, standardise, temperature_of

# Units that a label's faces show in the made-up table, as in the FACS prototypes of Ekman and Friesen.
SHOWN = {
    "neutral": (),
    "happiness": ("AU06", "AU12", "AU25"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "sadness": ("AU01", "AU04", "AU15"),
    "anger": ("AU04", "AU07", "AU23"),
    "disgust": ("AU09", "AU10"),
    "fear": ("AU01", "AU04", "AU05", "AU20"),
    "contempt": ("AU14",),
}
FREQUENCY = np.array([0.36, 0.26, 0.13, 0.12, 0.08, 0.02, 0.02, 0.01])


def table(faces: int = 3000, seed: int = 0, miss: float = 0.15) -> dict[str, Any]:
    """Make faces of known expressions whose units are now and then missed, and ten voters who err at times."""
    random = np.random.default_rng(seed)
    labels = random.choice(len(EXPRESSIONS), faces, p=FREQUENCY)
    logits = random.normal(-2.5, 1.0, (faces, len(AU_ORDER)))
    for face, label in enumerate(labels):
        for au in SHOWN[EXPRESSIONS[label]]:
            if random.random() > miss:
                logits[face, index(au)] = random.normal(1.5, 1.0)
    votes = np.zeros((faces, len(EXPRESSIONS)))
    for _ in range(10):
        voted = np.where(random.random(faces) < 0.8, labels, random.choice(len(EXPRESSIONS), faces, p=FREQUENCY))
        votes[np.arange(faces), voted] += 1
    return {
        "units": 1 / (1 + np.exp(-logits)),
        "votes": votes,
        "groups": [f"person{face // 3}" for face in range(faces)],
    }


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return table()


def test_it_learns_and_what_it_writes_runs(made: dict[str, Any], tmp_path: Path) -> None:
    manifest = fit_expression(**made, out_folder=tmp_path)
    assert verify(tmp_path) == manifest
    test = manifest.metrics["test"]
    assert test["accuracy"] > 0.85
    assert test["macro_f1"] > 0.6
    assert test["precision"] >= 0.8
    assert test["calibration_error"] < 0.06
    assert sum(map(sum, test["confusion"])) == test["faces"]
    assert "(coverage.png)" in (tmp_path / "card.md").read_text()
    assert (tmp_path / "coverage.png").read_bytes().startswith(b"\x89PNG")
    model = ExpressionModel(tmp_path)
    values = [0.05] * len(AU_ORDER)
    values[index("AU06")] = values[index("AU12")] = 0.95
    shown = model.classify(ActionUnits(tuple(values), tuple(v > 0.5 for v in values)))
    assert shown.label == "happiness"
    assert set(shown.evidence[:2]) == {"AU06", "AU12"}


def test_written_and_learned_models_agree(made: dict[str, Any], tmp_path: Path) -> None:
    for hidden in (0, 6):
        folder = tmp_path / str(hidden)
        fit_expression(**made, out_folder=folder, hidden=hidden)
        weights = json.loads((folder / "model.json").read_text())
        model = ExpressionModel(folder)
        for row in made["units"][:20]:
            odds = np.log(np.clip(row, 1 / 512, 511 / 512) / (1 - np.clip(row, 1 / 512, 511 / 512)))
            below = (odds - weights["mean"]) / np.array(weights["deviation"])
            if hidden:
                below = np.tanh(np.array(weights["hidden_weights"]) @ below + weights["hidden_bias"])
            scores = (np.array(weights["weights"]) @ below + weights["bias"]) / weights["temperature"]
            found = model.classify(ActionUnits(tuple(map(float, row)), tuple(bool(p > 0.5) for p in row)))
            assert found.probabilities == pytest.approx(softmax(scores[None])[0], abs=1e-9)


def test_the_same_seed_gives_the_same_file(made: dict[str, Any], tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        fit_expression(**made, out_folder=tmp_path / name, hidden=4, seed=3)
        files.append((tmp_path / name / "model.json").read_bytes())
    assert files[0] == files[1]


def test_shuffled_votes_teach_nothing(made: dict[str, Any], tmp_path: Path) -> None:
    votes = np.random.default_rng(1).permutation(made["votes"])
    manifest = fit_expression(**{**made, "votes": votes}, out_folder=tmp_path)
    assert manifest.metrics["test"]["accuracy"] < 0.45, "no better than the most frequent label"


def test_weighting_finds_more_of_the_rare_labels(made: dict[str, Any], tmp_path: Path) -> None:
    recall = {}
    for weighting in ("none", "sqrt", "balanced"):
        manifest = fit_expression(**made, out_folder=tmp_path / weighting, weighting=weighting)
        confusion = np.array(manifest.metrics["test"]["confusion"])[5:]
        recall[weighting] = confusion[[0, 1, 2], [5, 6, 7]].sum() / confusion.sum()
    assert recall["none"] < recall["balanced"]
    assert recall["none"] <= recall["sqrt"] <= recall["balanced"]


def test_an_unknown_unit_is_left_out_and_told(made: dict[str, Any], tmp_path: Path) -> None:
    units = made["units"].copy()
    units[:, index("AU09")] = np.nan
    units[::3, index("AU15")] = np.nan
    manifest = fit_expression(**{**made, "units": units}, out_folder=tmp_path)
    assert manifest.training["units_without_values"] == ["AU09"]
    assert "Not used" in (tmp_path / "card.md").read_text()
    weights = np.array(json.loads((tmp_path / "model.json").read_text())["weights"])
    assert np.abs(weights[:, index("AU09")]).max() < 1e-6
    assert manifest.metrics["test"]["accuracy"] > 0.8


def test_the_threshold_keeps_the_precision_that_was_asked_for(made: dict[str, Any], tmp_path: Path) -> None:
    unsure = table(miss=0.5, seed=4)
    low = fit_expression(**unsure, out_folder=tmp_path / "low", precision=0.7)
    high = fit_expression(**unsure, out_folder=tmp_path / "high", precision=0.9)
    assert high.metrics["valid"]["precision"] >= 0.9
    assert high.metrics["valid"]["answered"] < low.metrics["valid"]["answered"]


def test_the_card_holds_the_measured_figures(made: dict[str, Any], tmp_path: Path) -> None:
    manifest = fit_expression(**made, out_folder=tmp_path)
    card = (tmp_path / "card.md").read_text()
    assert f"{manifest.metrics['test']['accuracy']:.3f}" in card
    for label, row in zip(EXPRESSIONS, manifest.metrics["test"]["confusion"], strict=True):
        assert f"| {label} | " + " | ".join(map(str, row)) + " |" in card
    assert "- happiness: AU12" in card or "- happiness: AU06" in card or "- happiness: AU25" in card


def test_splits_of_its_own_are_kept(made: dict[str, Any], tmp_path: Path) -> None:
    splits = ["train"] * 2400 + ["valid"] * 300 + ["test"] * 300
    manifest = fit_expression(**made, out_folder=tmp_path, splits=splits)
    assert manifest.training["faces"] == {"train": 2400, "valid": 300, "test": 300}


def changed(made: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**made, **changes}


def test_bad_tables_are_told(made: dict[str, Any], tmp_path: Path) -> None:
    units, votes = made["units"], made["votes"]
    torn = ["train"] * 2399 + ["valid"] * 301 + ["test"] * 300
    cases = {
        "units": changed(made, units=units[:, :17]),
        "groups": changed(made, groups=made["groups"][:-1]),
        "outside 0 to 1": changed(made, units=units + 1),
        "vote below 0": changed(made, votes=votes - 1),
        "valid split has fewer": changed(made, splits=["train"] * len(units)),
        "'dev'": changed(made, splits=["dev"] * len(units)),
        "2 splits": changed(made, splits=["train"] * 2),
        "in the splits": changed(made, splits=torn),
        "train split has fewer": changed(made, votes=np.zeros_like(votes)),
    }
    for said, arguments in cases.items():
        with pytest.raises(TableError, match=said):
            fit_expression(**arguments, out_folder=tmp_path)
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    random = np.random.default_rng(0)
    features, votes = random.normal(size=(12, 5)), random.dirichlet(np.ones(3), 12)
    importance = random.random(12) + 0.5
    for hidden in (0, 4):
        shapes = [(hidden, 5), (hidden,), (3, hidden or 5), (3,)]
        flat = random.normal(size=sum(int(np.prod(shape)) for shape in shapes))

        def value(at: np.ndarray, shapes: list[tuple[int, ...]] = shapes) -> float:
            return _loss(Network(*_unpack(at, shapes)), features, votes, importance, 0.01)[0]

        gradient = _loss(Network(*_unpack(flat, shapes)), features, votes, importance, 0.01)[1]
        for i in range(len(flat)):
            step = np.zeros_like(flat)
            step[i] = 1e-5
            assert gradient[i] == pytest.approx((value(flat + step) - value(flat - step)) / 2e-5, abs=1e-6)
        assert np.array_equal(_pack(_unpack(flat, shapes)), flat)


def test_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 1.5, (4000, 8))
    truth = np.array([random.choice(8, p=p) for p in softmax(scores)])
    assert temperature_of(scores * 3, np.eye(8)[truth]) == pytest.approx(3.0, rel=0.1)


def test_standardising_passes_over_what_is_unknown() -> None:
    values = np.array([[1.0, np.nan, 5.0], [3.0, np.nan, 5.0]])
    mean, deviation = moments(values)
    assert mean.tolist() == [2.0, 0.0, 5.0]
    assert deviation.tolist() == [1.0, 1.0, 1.0]
    assert standardise(values, mean, deviation).tolist() == [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    expression.add_arguments(parser)
    return parser.parse_args(words)


def test_the_command_reads_a_table_and_prints_the_card(
    made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "table.npz", **made)
    assert expression.run(parse(str(tmp_path / "table.npz"), "--output", str(tmp_path / "out"))) == 0
    assert "## Confusion on test" in capsys.readouterr().out
    assert verify(tmp_path / "out").task == "expression"


def test_the_command_tells_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no table")
    np.savez(tmp_path / "lacking.npz", units=np.zeros((1, 18)))
    for name in ("gone.npz", "text.npz", "lacking.npz"):
        with pytest.raises(TableError, match=name):
            expression.run(parse(str(tmp_path / name)))


def test_a_folder_that_cannot_be_written_is_told(made: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        fit_expression(**made, out_folder=tmp_path / "file" / "expression")
