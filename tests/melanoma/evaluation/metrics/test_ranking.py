"""Curves and areas as scikit-learn computes them, with ties, weights and classes without photographs."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from melanoma.evaluation.metrics import ranking
from melanoma.evaluation.metrics.ranking import auc, auc_above, average_precision, curve, curve_metric, ranking_metrics

ONCE = np.ones((1, 300))


def random_scores(levels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores on few levels have ties; on many they have none."""
    rng = np.random.default_rng(seed)
    positive = rng.random(300) < 0.2
    scores = np.round((rng.random(300) + 0.4 * positive) * levels) / levels
    return positive, scores.astype(np.float32)


@pytest.mark.parametrize("levels", [3, 10, 10**6])
@pytest.mark.parametrize("seed", [0, 1])
def test_areas_equal_those_of_scikit_learn(levels: int, seed: int) -> None:
    positive, scores = random_scores(levels, seed)
    assert auc(positive, scores).compute(ONCE)[0] == pytest.approx(roc_auc_score(positive, scores))
    assert average_precision(curve(positive, scores)) == pytest.approx(average_precision_score(positive, scores))


def test_weights_count_a_photograph_as_often_as_it_was_drawn() -> None:
    positive, scores = random_scores(10)
    weights = np.random.default_rng(2).integers(0, 4, (5, 300)).astype(np.float64)
    expected = [roc_auc_score(positive, scores, sample_weight=row) for row in weights]
    assert auc(positive, scores).compute(weights) == pytest.approx(expected)
    expected = [average_precision_score(positive, scores, sample_weight=row) for row in weights]
    assert curve_metric(positive, scores, average_precision).compute(weights) == pytest.approx(expected)


@pytest.mark.parametrize("levels", [3, 10**6])
def test_weights_count_as_copies_in_the_area_above_a_sensitivity(levels: int) -> None:
    positive, scores = random_scores(levels)
    weights = np.random.default_rng(3).integers(0, 4, (5, 300))
    copies = [np.repeat(np.arange(300), row) for row in weights]
    expected = [float(auc_above(curve(positive[chosen], scores[chosen]), 0.8)) for chosen in copies]
    found = curve_metric(positive, scores, partial(auc_above, sensitivity=0.8)).compute(weights.astype(np.float64))
    assert found == pytest.approx(expected)


def test_ties_count_half() -> None:
    assert auc(np.array([True, False, False]), np.array([0.5, 0.5, 0.1])).compute(np.ones((1, 3)))[0] == 0.75
    assert auc(np.array([True, False]), np.array([0.5, 0.5])).compute(np.ones((1, 2)))[0] == 0.5


@pytest.mark.parametrize("positive", [True, False])
def test_the_areas_are_undefined_if_all_or_no_photographs_are_of_the_class(positive: bool) -> None:
    labels, scores = np.full(3, positive), np.array([0.1, 0.2, 0.3])
    found = curve(labels, scores)
    assert np.isnan(auc(labels, scores).compute(np.ones((1, 3)))[0])
    assert np.isnan(auc_above(found, 0.8))
    assert bool(np.isnan(average_precision(found))) is (not positive)
    assert ranking.roc_points(found) == []


def test_the_areas_are_undefined_without_photographs() -> None:
    none = np.zeros(0, np.bool_)
    assert np.isnan(auc(none, np.zeros(0)).compute(np.ones((1, 0)))[0])
    assert np.isnan(average_precision(curve(none, np.zeros(0))))
    assert np.isnan(auc_above(curve(none, np.zeros(0)), 0.8))


@pytest.mark.parametrize("levels", [3, 10**6])
def test_the_area_above_a_sensitivity_equals_the_area_under_the_clipped_curve(levels: int) -> None:
    positive, scores = random_scores(levels)
    alarms, rate, _ = roc_curve(positive, scores, drop_intermediate=False)
    grid = np.linspace(0, 1, 2_000_001)
    height = np.interp(grid, alarms, rate)
    expected = np.where(height >= 0.8, height, 0).mean()
    assert auc_above(curve(positive, scores), 0.8) == pytest.approx(expected, abs=1e-3)


def test_the_area_above_a_sensitivity_of_perfection_and_of_chance() -> None:
    positive = np.repeat([True, False], 50)
    assert auc_above(curve(positive, positive.astype(np.float64)), 0.8) == pytest.approx(1.0)
    assert auc_above(curve(positive, np.zeros(100)), 0.8) == pytest.approx(0.18)


def test_a_curve_that_stays_at_the_sensitivity_counts_from_its_first_point_there() -> None:
    ranked = np.array([True] * 4 + [False] * 5 + [True])
    assert auc_above(curve(ranked, np.arange(10, 0, -1.0)), 0.8) == pytest.approx(0.8)


def test_points_lie_on_the_curves_of_scikit_learn_from_end_to_end() -> None:
    positive, scores = random_scores(10**6)
    alarms, rate, _ = roc_curve(positive, scores, drop_intermediate=False)
    points = np.array(ranking.roc_points(curve(positive, scores)))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert 50 < len(points) <= 202
    on_curve = set(zip(alarms.round(5).tolist(), rate.round(5).tolist(), strict=True))
    assert {tuple(point) for point in points.tolist()} <= on_curve
    precision, recall, _ = precision_recall_curve(positive, scores)
    on_curve = set(zip(recall.round(5).tolist(), precision.round(5).tolist(), strict=True))
    assert {tuple(point) for point in ranking.precision_recall_points(curve(positive, scores))} <= on_curve


def test_areas_depend_only_on_the_order_of_the_scores() -> None:
    positive, scores = random_scores(10)
    for metric in ranking_metrics(positive, scores):
        plain, bent = (ranking_metrics(positive, values)[metric] for values in (scores, np.exp(3 * scores) - 7))
        assert plain.compute(ONCE)[0] == bent.compute(ONCE)[0]


def test_reversed_scores_reverse_the_auc() -> None:
    positive, scores = random_scores(10)
    assert auc(positive, -scores).compute(ONCE)[0] == pytest.approx(1 - auc(positive, scores).compute(ONCE)[0])
    assert auc(~positive, scores).compute(ONCE)[0] == pytest.approx(1 - auc(positive, scores).compute(ONCE)[0])


def test_a_curve_counts_photographs_at_or_above_each_score() -> None:
    positive = np.array([True, False, True, False, True])
    found = curve(positive, np.array([0.9, 0.9, 0.5, 0.2, 0.2]))
    assert found.hits.tolist() == [0, 1, 2, 3]
    assert found.false_alarms.tolist() == [0, 1, 1, 2]


def test_precision_recall_points_begin_at_the_first_hit() -> None:
    found = curve(np.array([False, True, False, True]), np.array([0.9, 0.8, 0.7, 0.6]))
    assert ranking.precision_recall_points(found) == [[0.5, 0.5], [0.5, round(1 / 3, 5)], [1.0, 0.5]]
