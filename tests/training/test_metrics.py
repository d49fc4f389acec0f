"""Our measures against scikit-learn's, on labels with ties and gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training import metrics

sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


def made_up(seed: int, count: int = 300, levels: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1, 0, 1], count, p=[0.1, 0.6, 0.3]).astype(np.int8)
    scores = np.clip(np.rint((0.3 * labels + rng.random(count)) * levels) / levels / 1.3, 0, 1)
    return labels, scores


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 200), st.integers(1, 60))
def test_agrees_with_scikit_learn(seed: int, count: int, levels: int) -> None:
    labels, scores = made_up(seed, count, levels)
    known = labels != metrics.MISSING
    y, s = labels[known], scores[known]
    if y.min(initial=1) == y.max(initial=0) or len(set(y)) < 2:
        assert np.isnan(metrics.roc_auc(labels, scores))
        return
    assert metrics.roc_auc(labels, scores) == pytest.approx(sklearn.roc_auc_score(y, s))
    assert metrics.average_precision(labels, scores) == pytest.approx(sklearn.average_precision_score(y, s))
    assert metrics.f1(labels, scores >= 0.5) == pytest.approx(sklearn.f1_score(y, s >= 0.5, zero_division=0))
    precision, recall = metrics.precision_recall(labels, scores)
    theirs = sklearn.precision_recall_curve(y, s)
    assert precision == pytest.approx(theirs[0][:-1][::-1])
    assert recall == pytest.approx(theirs[1][:-1][::-1])
    assert metrics.brier(labels, scores) == pytest.approx(sklearn.brier_score_loss(y, s))


def test_weights_are_repeated_rows() -> None:
    labels, scores = made_up(3)
    times = np.random.default_rng(0).integers(0, 4, (5, len(labels)))
    for name in ("roc_auc", "average_precision"):
        measure = getattr(metrics, name)
        many = measure(labels, scores, times.astype(float))
        for row, value in zip(times, many, strict=True):
            assert value == pytest.approx(measure(np.repeat(labels, row), np.repeat(scores, row)))
    many = metrics.f1(labels, scores > 0.4, times.astype(float))
    for row, value in zip(times, many, strict=True):
        assert value == pytest.approx(metrics.f1(np.repeat(labels, row), np.repeat(scores > 0.4, row)))


def test_undefined_is_nan_and_becomes_none() -> None:
    labels = np.zeros((4, 1), np.int8)
    scores = metrics.score_units(labels, np.full((4, 1), 0.2), [0.5], list("aabb"), units=["AU01"])
    assert np.isnan(metrics.roc_auc(labels[:, 0], [0.1, 0.2, 0.3, 0.4]))
    assert scores.units["AU01"].auc is None
    assert scores.units["AU01"].f1 is None
    assert scores.pooled == ()
    assert scores.mean["auc"] is None


def test_no_labels_at_all() -> None:
    scores = metrics.score_units(np.full((3, 1), -1, np.int8), np.zeros((3, 1)), [0.5], list("abc"), units=["AU01"])
    assert scores.faces == 0
    assert scores.units["AU01"].support == 0


def test_calibration_error_of_a_calibrated_and_of_a_bold_model() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(20_000)
    labels = (rng.random(20_000) < truth).astype(np.int8)
    assert metrics.expected_calibration_error(labels, truth) < 0.02
    bold = np.clip((truth - 0.5) * 3 + 0.5, 0, 1)
    assert metrics.expected_calibration_error(labels, bold) > 0.1


def test_bootstrap_draws_people_not_pictures() -> None:
    people = np.repeat(["a", "b", "c"], 4)
    drawn = metrics.people_weights(people, 50, seed=1)
    assert (drawn.reshape(50, 3, 4) == drawn.reshape(50, 3, 4)[:, :, :1]).all()
    assert (drawn[:, ::4].sum(1) == 3).all()


def test_repeating_pictures_of_the_same_people_narrows_nothing() -> None:
    labels, scores = made_up(5, 120)
    people = np.arange(120)

    def width(times: int) -> float:
        table = metrics.score_units(
            np.tile(labels, times)[:, None],
            np.tile(scores, times)[:, None],
            [0.5],
            np.tile(people, times),
            units=["AU01"],
        )
        low, high = table.units["AU01"].auc_interval
        return high - low

    assert width(4) == pytest.approx(width(1))


def test_mean_is_over_well_supported_units_only() -> None:
    labels = np.zeros((100, 2), np.int8)
    labels[:30, 0] = 1
    labels[:5, 1] = 1
    probability = np.stack([labels[:, 0] * 0.8 + 0.1, np.linspace(0, 1, 100)], 1)
    table = metrics.score_units(labels, probability, [0.5, 0.5], np.arange(100), units=["AU01", "AU02"])
    assert table.pooled == ("AU01",)
    assert table.mean["auc"] == 1.0
    assert table.mean_interval["f1"] == (1.0, 1.0)


def test_occurrence_masks_unsure_and_missing() -> None:
    assert metrics.occurrence(np.array([-2, -1, 0, 1, 3], np.int8)).tolist() == [-1, -1, 0, 1, 1]
    assert metrics.occurrence(np.array([0, 1, 2], np.int8), least=2).tolist() == [0, 0, 1]


def test_by_person_does_not_care_how_many_pictures_there_are() -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(-1, 2, (60, 2)).astype(np.int8)
    scores = np.clip(0.4 * labels + rng.random((60, 2)), 0, 1)
    people = np.arange(60) // 3
    again = np.r_[np.arange(60), np.tile(np.flatnonzero(people < 3), 9)]
    once, often = (
        metrics.score_units(labels[i], scores[i], [0.5, 0.6], people[i], 0, units=["AU01", "AU02"])
        for i in (np.arange(60), again)
    )
    for unit in ("AU01", "AU02"):
        one, two = once.units[unit], often.units[unit]
        assert (two.f1_by_person, two.auc_by_person) == pytest.approx((one.f1_by_person, one.auc_by_person))
        assert two.f1 != pytest.approx(one.f1), "ten times as many pictures of three people do change the plain figure"
    assert often.mean.keys() >= {"f1_by_person", "auc_by_person"}
