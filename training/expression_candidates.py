"""Offer the ways of getting from Action Units to expressions that are compared on the same faces.

Each learns from the voters' shares, takes log-odds with NaN for a unit not known, and gives shares of the labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from assistant.facs import EXPRESSIONS, index
from training.softmax import Array, Network, moments, softmax, standardise

EMFACS: Final[Mapping[str, tuple[str, ...]]] = {
    "happiness": ("AU06", "AU12"),
    "sadness": ("AU01", "AU04", "AU15"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU07", "AU20", "AU26"),
    "anger": ("AU04", "AU05", "AU07", "AU23"),
    "disgust": ("AU09", "AU15"),
}
"""The six rows of the EMFACS table (Friesen & Ekman, 1983) as background 0 quotes them, without AU16, which is none of
the 18 units here. It has no row for contempt; a face that fits no row is neutral."""

_PRESENT: Final = 0.5


class Candidate(Protocol):
    """Learn expressions from Action Units, and tell them."""

    def learn(self, odds: Array, votes: Array) -> None:
        """Learn from (N, 18) log-odds and (N, 8) shares of the votes."""
        ...

    def shares(self, odds: Array) -> Array:
        """Return (N, 8) shares of the labels of (N, 18) log-odds."""
        ...


@dataclass
class Rules:
    """Fit a face to the rows of EMFACS: there is nothing to learn.

    Attributes:
        strength: of a row, from the (N, units) probabilities of those of its units that are known. `np.min` wants every
            unit there, as the table says; `np.mean` takes the row that fits best.
    """

    strength: Callable[..., Any] = np.min

    def learn(self, odds: Array, votes: Array) -> None:
        """Learn nothing."""

    def shares(self, odds: Array) -> Array:
        """Return the rows' strengths; what the strongest leaves is neutral."""
        probability = 1.0 / (1.0 + np.exp(-odds))
        known = np.asarray(~np.isnan(odds).all(axis=0))
        found = np.zeros((len(odds), len(EXPRESSIONS)))
        for label, row in EMFACS.items():
            columns = [index(unit) for unit in row if known[index(unit)]]
            if columns:
                found[:, EXPRESSIONS.index(label)] = self.strength(probability[:, columns], axis=1)
        for part, whole in itertools.permutations(EMFACS, 2):
            if set(EMFACS[part]) < set(EMFACS[whole]):  # surprise gives way to fear where all of fear is there
                found[found[:, EXPRESSIONS.index(whole)] >= _PRESENT, EXPRESSIONS.index(part)] = 0.0
        found[:, 0] = 1.0 - found.max(axis=1)
        return np.asarray(found / found.sum(axis=1, keepdims=True), np.float64)


@dataclass
class Softmax:
    """Learn a logistic regression, or a network with one hidden layer: what `fit_expression` writes for the device."""

    hidden: int = 0
    decay: float = 1e-3
    seed: int = 0
    _learned: Any = field(default=None, repr=False)

    def learn(self, odds: Array, votes: Array) -> None:
        """Learn from the shares themselves."""
        mean, deviation = moments(odds)
        model = Network.learn(standardise(odds, mean, deviation), votes, self.hidden, 0.0, self.decay, self.seed)
        self._learned = (model, mean, deviation)

    def shares(self, odds: Array) -> Array:
        """Return the softmax of the scores."""
        model, mean, deviation = self._learned
        return softmax(model.scores(standardise(odds, mean, deviation)))


@dataclass
class Products(Softmax):
    """Learn a logistic regression of the log-odds with their squares and products: which units come together."""

    _below: Any = field(default=None, repr=False)

    def learn(self, odds: Array, votes: Array) -> None:
        """Learn from the shares themselves."""
        self._below = moments(odds)
        super().learn(self._multiplied(odds), votes)

    def shares(self, odds: Array) -> Array:
        """Return the softmax of the scores."""
        return super().shares(self._multiplied(odds))

    def _multiplied(self, odds: Array) -> Array:
        plain = standardise(odds, *self._below)
        first, second = np.triu_indices(plain.shape[1])
        return np.hstack([plain, plain[:, first] * plain[:, second]])


@dataclass
class Boosting:
    """Boost trees (scikit-learn's, which send a missing value to the better side)."""

    seed: int = 0
    _learned: Any = field(default=None, repr=False)

    def learn(self, odds: Array, votes: Array) -> None:
        """Learn from each face once for every label with a vote, weighted by the share."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits

        face, label = np.nonzero(votes)
        known = ~np.isnan(odds).all(axis=0)  # a column without any value is refused
        trees = HistGradientBoostingClassifier(
            learning_rate=0.1, max_iter=60, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed
        )
        with threadpool_limits(1):  # on a busy machine two threads wait for each other most of the time
            trees.fit(odds[face][:, known], label, sample_weight=votes[face, label])
        self._learned = (trees, known)

    def shares(self, odds: Array) -> Array:
        """Return the trees' shares; 0 for a label nobody voted for."""
        found = np.zeros((len(odds), len(EXPRESSIONS)))
        trees, known = self._learned
        found[:, trees.classes_] = trees.predict_proba(odds[:, known])
        return found


@dataclass
class Clusters:
    """Divide the faces into clusters (k-means), each of which says what its members' voters said."""

    count: int = 96
    seed: int = 0
    _learned: Any = field(default=None, repr=False)

    def learn(self, odds: Array, votes: Array) -> None:
        """Find the clusters, and the mean shares in each."""
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        mean, deviation = moments(odds)
        with threadpool_limits(1):
            clusters = KMeans(self.count, n_init=1, random_state=self.seed).fit(standardise(odds, mean, deviation))
        said = np.stack([votes[clusters.labels_ == number].mean(axis=0) for number in range(self.count)])
        self._learned = (clusters, said, mean, deviation)

    def shares(self, odds: Array) -> Array:
        """Return the shares of the nearest cluster."""
        clusters, said, mean, deviation = self._learned
        return np.asarray(said[clusters.predict(standardise(odds, mean, deviation))], np.float64)


CANDIDATES: Final[Mapping[str, Callable[[], Candidate]]] = {
    "EMFACS rules, every unit of a row": Rules,
    "EMFACS rules, the row that fits best": lambda: Rules(np.mean),
    "clusters (k-means, 96)": Clusters,
    "logistic regression": Softmax,
    "logistic regression with products": Products,
    "boosted trees": Boosting,
    "network, 24 hidden units": lambda: Softmax(24, 1e-4),
}
