"""Fit shares of several labels: softmax regression, with or without one hidden layer, and its temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """Hold a multinomial logistic regression, or one with a tanh layer below it.

    Attributes:
        hidden_weights: (H, D); H is 0 for the plain regression.
        hidden_bias: (H,).
        weights: (K, H), or (K, D) for the plain regression.
        bias: (K,).
    """

    hidden_weights: Array
    hidden_bias: Array
    weights: Array
    bias: Array

    @classmethod
    def learn(cls, features: Array, votes: Array, hidden: int, rarity_power: float, decay: float, seed: int) -> Network:
        """Minimise the weighted cross-entropy with L-BFGS; the same on every run with the same seed.

        Args:
            features: (N, D), standardised.
            votes: (N, K) shares of the labels, each row adding up to 1.
            hidden: H.
            rarity_power: power of a label's inverse frequency by which its rows count; 0 counts all alike.
            decay: weight of the squared weights in the loss.
            seed: of the first weights, which matter with a hidden layer only.
        """
        from scipy.optimize import minimize

        width = features.shape[1]
        shapes = [(hidden, width), (hidden,), (votes.shape[1], hidden or width), (votes.shape[1],)]
        random = np.random.default_rng(seed)
        start = [
            random.normal(0, 1 / np.sqrt(max(shape[-1], 1)), shape) if hidden and len(shape) == 2 else np.zeros(shape)
            for shape in shapes
        ]
        importance = _importance(votes, rarity_power)

        def loss(flat: Array) -> tuple[float, Array]:
            return _loss(cls(*_unpack(flat, shapes)), features, votes, importance, decay)

        found = minimize(loss, _pack(start), jac=True, method="L-BFGS-B", options={"maxiter": 500})
        return cls(*_unpack(found.x, shapes))

    def scores(self, features: Array) -> Array:
        """Return (N, K) scores of (N, D) features."""
        return np.asarray(self.activations(features) @ self.weights.T + self.bias, np.float64)

    def activations(self, features: Array) -> Array:
        """Return what the last layer sees: (N, H), or the features themselves."""
        if not len(self.hidden_weights):
            return features
        return np.tanh(features @ self.hidden_weights.T + self.hidden_bias)


def _loss(model: Network, features: Array, votes: Array, importance: Array, decay: float) -> tuple[float, Array]:
    """Return the mean weighted cross-entropy plus decay, and its gradient."""
    below = model.activations(features)
    shares = softmax(below @ model.weights.T + model.bias)
    total = importance.sum()
    value = -float((importance * (votes * np.log(shares + 1e-12)).sum(axis=1)).sum() / total)
    value += decay * float((model.weights**2).sum() + (model.hidden_weights**2).sum())
    error = (shares - votes) * (importance / total)[:, None]
    gradient = [np.zeros_like(model.hidden_weights), np.zeros_like(model.hidden_bias)]
    if len(model.hidden_weights):
        back = (error @ model.weights) * (1 - below**2)
        gradient = [back.T @ features + 2 * decay * model.hidden_weights, back.sum(axis=0)]
    gradient += [error.T @ below + 2 * decay * model.weights, error.sum(axis=0)]
    return value, _pack(gradient)


def _importance(votes: Array, rarity_power: float) -> Array:
    """Return (N,) how much each face counts, by the rarity of what was voted."""
    share = np.maximum(votes.mean(axis=0), 1e-4)
    return np.asarray(votes @ (share / share.mean()) ** -rarity_power, np.float64)


def _pack(arrays: Sequence[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _unpack(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def moments(values: Array) -> tuple[Array, Array]:
    """Return mean and deviation of each column over its values that are not NaN; 0 and 1 where all are."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    variance = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count
    return mean, np.where(variance > 1e-6, np.sqrt(variance), 1.0)


def standardise(values: Array, mean: Array, deviation: Array) -> Array:
    """Return (values - mean) / deviation; 0, the mean, where a value is NaN."""
    return np.asarray(np.where(np.isnan(values), 0.0, (values - mean) / deviation), np.float64)


def softmax(scores: Array) -> Array:
    """Return shares that add up to 1 in each row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def majority(votes: Array) -> Array:
    """Return rows of 0 and 1 with the label of most votes, the first of equals."""
    return np.asarray(np.eye(votes.shape[1])[votes.argmax(axis=1)], np.float64)


def log_loss(shares: Array, votes: Array) -> float:
    """Return the mean cross-entropy against the votes, in nats."""
    return -float((votes * np.log(shares + 1e-12)).sum(axis=1).mean())


def temperature_of(scores: Array, votes: Array) -> float:
    """Return the temperature of least cross-entropy (Guo et al., 2017), between 0.05 and 20."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return log_loss(softmax(scores / np.exp(log_temperature)), votes)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))
