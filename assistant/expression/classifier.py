"""Name what a face shows from its Action Units alone, with a calibrated confidence.

Learned by `training/expression.py` on FER+ votes. Probabilities become log-odds, standardised as in training; a
multinomial logistic regression, or a small network with one hidden layer, gives one score a label; a temperature
(Guo et al., On Calibration of Modern Neural Networks, 2017) makes the largest softmax probability a confidence.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.errors import ModelError
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.types import ActionUnits, Expression

FILE_NAME: Final = "model.json"
EDGE: Final = 1.0 / 512.0
"""Probabilities are kept this far from 0 and 1 before their log-odds: half a step of the model's 8-bit output."""

_REMEDY: Final = "Reinstall facecue or restore the file."
_MOST_EVIDENCE: Final = 4
_WEAKEST_EVIDENCE: Final = 0.1  # of the strongest; less is not worth naming

Array = npt.NDArray[np.float64]
_Row = Annotated[tuple[float, ...], Field(min_length=len(AU_ORDER), max_length=len(AU_ORDER))]


class Weights(BaseModel):
    """Hold the contents of model.json.

    Attributes:
        labels: `facs.EXPRESSIONS`, written down so that a file of another order is refused.
        mean: log-odds of each unit of `facs.AU_ORDER` over the training faces.
        deviation: their standard deviations.
        hidden_weights: (H, 18), or () for a logistic regression.
        hidden_bias: (H,).
        weights: (8, H), or (8, 18) for a logistic regression.
        bias: (8,).
        temperature: the scores are divided by it, so that a confidence is the chance of naming what most of the
            people who labelled such faces named.
        threshold: least confidence of a label; below it the expression is unclear.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    labels: tuple[str, ...]
    mean: _Row
    deviation: _Row
    hidden_weights: tuple[_Row, ...] = ()
    hidden_bias: tuple[float, ...] = ()
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    temperature: float = Field(gt=0.0)
    threshold: float = Field(ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.labels != EXPRESSIONS:
            raise ValueError(f"labels must be {', '.join(EXPRESSIONS)}, in this order")
        if min(self.deviation) <= 0:
            raise ValueError("deviation must be above 0")
        width = len(self.hidden_weights) or len(AU_ORDER)
        if len(self.hidden_bias) != len(self.hidden_weights):
            raise ValueError("hidden_bias must have one number for each row of hidden_weights")
        if len(self.weights) != len(EXPRESSIONS) or {len(row) for row in self.weights} != {width}:
            raise ValueError(f"weights must be {len(EXPRESSIONS)} rows of {width}")
        if len(self.bias) != len(EXPRESSIONS):
            raise ValueError(f"bias must have {len(EXPRESSIONS)} numbers")
        return self


class ExpressionModel:
    """Map Action Units to an expression, or to UNCLEAR.

    Args:
        folder: holds model.json; verify it against its manifest first.

    Raises:
        ModelError: the file is missing or is no expression model; reinstall, or train again.
    """

    def __init__(self, folder: Path) -> None:
        weights = read_weights(folder / FILE_NAME)
        self._mean, self._deviation = np.array(weights.mean), np.array(weights.deviation)
        self._hidden = (
            (np.array(weights.hidden_weights), np.array(weights.hidden_bias)) if weights.hidden_weights else None
        )
        self._weights, self._bias = np.array(weights.weights), np.array(weights.bias)
        self._temperature, self._threshold = weights.temperature, weights.threshold

    @property
    def threshold(self) -> float:
        """Confidence below which a face is UNCLEAR."""
        return self._threshold

    def classify(self, units: ActionUnits) -> Expression:
        """Return what the face shows; UNCLEAR below the threshold, and where no unit is known.

        A unit that is None counts as its average over the training faces, so that it speaks for nothing.
        """
        features = self._features(units)
        scores, slopes = self._scores(features)
        probabilities = _softmax(scores / self._temperature)
        best = int(np.argmax(probabilities))
        confidence = float(probabilities[best])
        shares = tuple(float(p) for p in probabilities)
        if confidence < self._threshold or all(p is None for p in units.probability):
            return Expression(UNCLEAR, confidence, shares)
        return Expression(EXPRESSIONS[best], confidence, shares, _evidence(features, slopes, best))

    def _features(self, units: ActionUnits) -> Array:
        known = np.array([p is not None for p in units.probability])
        odds = log_odds(np.array([0.5 if p is None else p for p in units.probability], np.float64))
        return np.where(known, (odds - self._mean) / self._deviation, 0.0)

    def _scores(self, features: Array) -> tuple[Array, Array]:
        """Return (8,) scores and their (8, 18) derivatives by the features, which are constant for the logistic."""
        if self._hidden is None:
            return self._weights @ features + self._bias, self._weights
        weights, bias = self._hidden
        hidden = np.tanh(weights @ features + bias)
        return self._weights @ hidden + self._bias, (self._weights * (1.0 - hidden**2)) @ weights


def read_weights(path: Path) -> Weights:
    """Read and check model.json.

    Raises:
        ModelError: it is missing or wrong.
    """
    try:
        return Weights.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ModelError(f"The model file {path} is missing.", _REMEDY) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"The model file {path} is wrong: {key} {first['msg']}.", _REMEDY) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The model file {path} cannot be read: {error}.", _REMEDY) from error


def log_odds(probability: Array) -> Array:
    """Return log(p / (1 - p)) with p kept `EDGE` away from 0 and 1; the shape stays, NaN stays NaN."""
    clipped = np.clip(probability, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(clipped / (1.0 - clipped)), np.float64)


def _evidence(features: Array, slopes: Array, best: int) -> tuple[str, ...]:
    """Name the units that are more active than on average and speak for the label, strongest first.

    A unit's contribution is its feature times the score's derivative, less the mean over the labels, because adding
    the same to every score changes nothing. That is exact for the logistic regression and gradient times input
    (Shrikumar et al., 2017) for the network. What a unit says by being absent is not evidence one can name.
    """
    contributions = (slopes[best] - slopes.mean(axis=0)) * features
    contributions = np.where(features > 0, contributions, 0.0)
    least = _WEAKEST_EVIDENCE * contributions.max()
    order = np.argsort(-contributions, kind="stable")[:_MOST_EVIDENCE]
    return tuple(AU_ORDER[i] for i in order if contributions[i] > 0 and contributions[i] >= least)


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum(), np.float64)
