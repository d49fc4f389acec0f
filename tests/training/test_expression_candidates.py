"""The candidates of the second stage on made-up faces, and the benchmark that compares them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.expression.classifier import ExpressionModel
from assistant.facs import AU_ORDER, EXPRESSIONS, index
from assistant.types import ActionUnits
from benchmarks import expression_candidates as benchmark
from tests.training.test_expression import table
from tests.vision_builders import MODELS
from training.datasets.ferplus import majority_by_rule
from training.expression_candidates import CANDIDATES, EMFACS, Rules
from training.softmax import majority

SHIPPED = MODELS / "expression"


def odds_of(shown: tuple[str, ...]) -> np.ndarray:
    row = np.full((1, len(AU_ORDER)), -3.0)
    row[0, [index(unit) for unit in shown]] = 3.0
    return row


@pytest.mark.parametrize("label", EMFACS)
def test_rules_name_a_face_that_shows_a_row(label: str) -> None:
    assert EXPRESSIONS[Rules().shares(odds_of(EMFACS[label])).argmax()] == label


def test_rules_want_every_known_unit_of_a_row() -> None:
    assert EXPRESSIONS[Rules().shares(odds_of(("AU12",))).argmax()] == "neutral"
    unknown = odds_of(("AU12",))
    unknown[:, index("AU06")] = np.nan
    assert EXPRESSIONS[Rules().shares(unknown).argmax()] == "happiness"
    assert Rules().shares(odds_of(())).argmax() == 0


@pytest.mark.parametrize("name", [name for name in CANDIDATES if "rules" not in name])
def test_each_learns_and_takes_unknown_units(name: str) -> None:
    made = table(1500)
    odds = np.log(made["units"] / (1 - made["units"]))
    odds[:, index("AU24")] = np.nan
    votes = made["votes"] / made["votes"].sum(axis=1, keepdims=True)
    candidate = CANDIDATES[name]()
    candidate.learn(odds[:1000], votes[:1000])
    shares = candidate.shares(odds[1000:])
    assert shares.sum(axis=1) == pytest.approx(np.ones(500))
    right = (shares.argmax(axis=1) == majority(votes[1000:]).argmax(axis=1)).mean()
    assert right > 0.7, "the most frequent label alone is a third"


def test_ferplus_rule_drops_what_no_half_agrees_on() -> None:
    votes = np.zeros((5, 10))
    votes[0, [0, 1]] = 8, 2
    votes[1, [0, 1, 2]] = 5, 4, 1  # the single vote counts as none: 5 of 9
    votes[2, [0, 1]] = 5, 5
    votes[3, 8] = 9  # unknown
    votes[4, [3, 9]] = 4, 6  # no face
    assert majority_by_rule(votes).tolist() == [0, 0, -1, -1, -1]


def test_it_compares_them_and_a_peer(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "REPLICATES", 20)
    chosen = ("EMFACS rules, every unit of a row", "logistic regression")
    monkeypatch.setattr(benchmark, "CANDIDATES", {name: CANDIDATES[name] for name in chosen})
    made = table(900)
    names = np.array([f"ferplus/{row}" for row in range(900)])
    splits = np.repeat(["train", "valid", "test"], 300)
    np.savez(tmp_path / "t.npz", **made, splits=splits, names=names, majority=made["votes"].argmax(axis=1))
    np.savez(tmp_path / "fer.npz", names=names, shares=majority(made["votes"]))
    saved = tmp_path / "out.json"
    arguments = [str(tmp_path / "t.npz"), "--fer", str(tmp_path / "fer.npz"), "--save", str(saved)]
    arguments += ["--model", str(SHIPPED)]
    assert benchmark.main(arguments) == 0
    rows = json.loads(saved.read_text())
    assert rows["fer, from pixels, 7 labels"]["every face"]["accuracy"]["value"] == 1.0
    model, told = ExpressionModel(SHIPPED), made["votes"][600:].argmax(axis=1)
    said = [model.classify(ActionUnits(tuple(row), (None,) * 18)).probabilities for row in made["units"][600:].tolist()]
    shipped = rows["expression, as it is"]["every face"]["accuracy"]["value"]
    assert shipped == pytest.approx((np.argmax(said, axis=1) == told).mean())
    best = rows["logistic regression"]["every face"]["accuracy"]
    assert best["interval"][0] <= best["value"] <= best["interval"][1]
    assert best["value"] > rows["EMFACS rules, every unit of a row"]["every face"]["accuracy"]["value"]
    text = capsys.readouterr().out
    assert "without ties" in text
    assert "FER+ rule, 300 faces" in text
