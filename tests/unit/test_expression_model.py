from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelError
from assistant.expression.classifier import ExpressionModel, log_odds
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR, index
from assistant.types import ActionUnits
from tests.model_builders import units

SMILE, FROWN, BROWS = index("AU12"), index("AU04"), index("AU01")


def document(**changes: Any) -> dict[str, Any]:
    """A logistic regression written by hand: AU12 speaks for happiness, AU01 for surprise, AU04 for anger."""
    weights = np.zeros((8, 18))
    weights[EXPRESSIONS.index("happiness"), SMILE] = 3.0
    weights[EXPRESSIONS.index("happiness"), index("AU06")] = 1.0
    weights[EXPRESSIONS.index("surprise"), BROWS] = 3.0
    weights[EXPRESSIONS.index("anger"), FROWN] = 3.0
    fields = {
        "labels": list(EXPRESSIONS),
        "mean": [-1.0] * 18,
        "deviation": [1.5] * 18,
        "weights": weights.tolist(),
        "bias": [1.0] + [0.0] * 7,
        "temperature": 1.0,
        "threshold": 0.5,
    }
    return fields | changes


def model(folder: Path, **changes: Any) -> ExpressionModel:
    (folder / "model.json").write_text(json.dumps(document(**changes)))
    return ExpressionModel(folder)


def test_a_smile_is_happiness_with_its_evidence(tmp_path: Path) -> None:
    shown = model(tmp_path).classify(units(AU12=0.95, AU06=0.8, AU25=0.9))
    assert shown.label == "happiness"
    assert shown.evidence == ("AU12", "AU06"), "strongest first, and not AU25, which says nothing"
    assert shown.confidence == max(shown.probabilities)
    assert sum(shown.probabilities) == pytest.approx(1.0)


def test_below_the_threshold_it_is_unclear_without_evidence(tmp_path: Path) -> None:
    shown = model(tmp_path, threshold=0.999).classify(units(AU12=0.7))
    assert shown.label == UNCLEAR
    assert shown.evidence == ()
    assert shown.probabilities.index(max(shown.probabilities)) == EXPRESSIONS.index("happiness")


def test_the_threshold_itself_is_enough(tmp_path: Path) -> None:
    confidence = model(tmp_path).classify(units(AU12=0.7)).confidence
    assert model(tmp_path, threshold=confidence).classify(units(AU12=0.7)).label == "happiness"
    higher = math.nextafter(confidence, 1.0)
    assert model(tmp_path, threshold=higher).classify(units(AU12=0.7)).label == UNCLEAR


def test_none_counts_as_the_training_mean(tmp_path: Path) -> None:
    mean = 1 / (1 + math.exp(1.0))  # log-odds of -1
    with_none, with_mean = units(mean, AU12=0.9, AU04=None), units(mean, AU12=0.9, AU04=mean)
    expressions = [model(tmp_path).classify(u).probabilities for u in (with_none, with_mean)]
    assert expressions[0] == pytest.approx(expressions[1])
    assert expressions[0] != pytest.approx(model(tmp_path).classify(units(mean, AU12=0.9, AU04=0.0)).probabilities)


def test_nothing_known_is_unclear_whatever_the_prior(tmp_path: Path) -> None:
    nothing = ActionUnits((None,) * 18, (None,) * 18)
    shown = model(tmp_path, bias=[9.0] + [0.0] * 7).classify(nothing)
    assert shown.confidence > 0.9
    assert shown.label == UNCLEAR


def test_absent_units_are_no_evidence(tmp_path: Path) -> None:
    weights = np.zeros((8, 18))
    weights[0, SMILE] = -3.0
    shown = model(tmp_path, weights=weights.tolist()).classify(units(AU12=0.0))
    assert shown.label == "neutral"
    assert shown.evidence == ()


def test_temperature_softens_without_changing_the_label(tmp_path: Path) -> None:
    sharp = model(tmp_path).classify(units(AU12=0.95))
    soft = model(tmp_path, temperature=3.0, threshold=0.0).classify(units(AU12=0.95))
    assert soft.label == sharp.label
    assert soft.confidence < sharp.confidence


def test_a_hidden_layer_is_computed_and_explained(tmp_path: Path) -> None:
    hidden = np.zeros((2, 18))
    hidden[0, SMILE], hidden[1, FROWN] = 0.8, 0.8
    weights = np.zeros((8, 2))
    weights[1, 0], weights[4, 1] = 5.0, 5.0
    network = model(
        tmp_path, hidden_weights=hidden.tolist(), hidden_bias=[0.1, -0.2], weights=weights.tolist(), bias=[0.0] * 8
    )
    face = units(AU12=0.9, AU04=0.3)
    shown = network.classify(face)
    features = (log_odds(np.array(face.probability, float)) + 1.0) / 1.5
    scores = weights @ np.tanh(hidden @ features + [0.1, -0.2])
    expected = np.exp(scores) / np.exp(scores).sum()
    assert shown.probabilities == pytest.approx(tuple(expected))
    assert shown.label == "happiness"
    assert shown.evidence == ("AU12",)


@given(st.lists(st.none() | st.floats(0, 1), min_size=18, max_size=18))
def test_probabilities_always_add_up(tmp_path_factory: pytest.TempPathFactory, values: list[float | None]) -> None:
    folder = tmp_path_factory.getbasetemp() / "expression"
    folder.mkdir(exist_ok=True)
    shown = model(folder).classify(ActionUnits(tuple(values), tuple(None if v is None else v > 0.5 for v in values)))
    assert sum(shown.probabilities) == pytest.approx(1.0)
    assert all(0.0 <= p <= 1.0 for p in shown.probabilities)
    assert shown.label in (*EXPRESSIONS, UNCLEAR)
    assert set(shown.evidence) <= set(AU_ORDER)
    assert all(values[index(au)] is not None for au in shown.evidence), "an unknown unit is no evidence"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": list(reversed(EXPRESSIONS))}, "labels"),
        ({"mean": [0.0] * 17}, "mean"),
        ({"deviation": [0.0] * 18}, "deviation"),
        ({"weights": [[0.0] * 18] * 7}, "weights"),
        ({"weights": [[0.0] * 17] * 8}, "weights"),
        ({"bias": [0.0]}, "bias"),
        ({"hidden_bias": [0.0]}, "hidden_bias"),
        ({"temperature": 0.0}, "temperature"),
        ({"threshold": 1.5}, "threshold"),
        ({"bias": [float("nan")] * 8}, "bias"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_file_is_a_model_error(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        model(tmp_path, **changes)
    assert "model.json" in caught.value.cause
    assert "restore the file" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_broken_file_is_a_model_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json"):
        ExpressionModel(tmp_path)


def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        ExpressionModel(tmp_path)
