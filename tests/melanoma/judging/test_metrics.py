"""Figures that can be counted by hand, and intervals that know which photographs show one lesion."""

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from melanoma.judging.metrics import (
    balanced_accuracy,
    estimate_accuracy,
    estimate_balanced_accuracy,
    evaluate,
    recalls,
)

LABELS = ["melanoma", "nevus", "seborrheic_keratosis"]


def guesses(n: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, 3, n)
    return truth, np.where(dice.random(n) < right, truth, (truth + 1) % 3)


def test_recall_counts_each_class_by_itself() -> None:
    recall, counts = recalls(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 0]), 3)
    assert recall[:2].tolist() == [0.75, 0.0]
    assert np.isnan(recall[2])
    assert counts.tolist() == [4, 1, 0]


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    truth, predicted = guesses(200, 0.6)
    assert balanced_accuracy(truth, predicted, [0, 1, 2]) == pytest.approx(balanced_accuracy_score(truth, predicted))


def test_a_class_that_is_not_evaluated_does_not_count() -> None:
    truth, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    assert balanced_accuracy(truth, predicted, [0, 1]) == pytest.approx(0.75)
    assert balanced_accuracy(truth, predicted, []) is None
    assert estimate_balanced_accuracy(truth, predicted, list("abcd"), [0, 1], seed=0).n == 3  # type: ignore[union-attr]


def test_nothing_to_judge_gives_nothing() -> None:
    empty = np.array([], np.int64)
    assert estimate_accuracy(empty, empty, [], seed=0) is None
    assert estimate_balanced_accuracy(empty, empty, [], [0, 1], seed=0) is None


def test_the_interval_is_that_of_a_binomial_where_every_lesion_has_one_photograph() -> None:
    truth, predicted = guesses(400, 0.7)
    estimate = estimate_accuracy(truth, predicted, [str(i) for i in range(400)], seed=1)
    assert estimate is not None
    half = 1.96 * np.sqrt(estimate.value * (1 - estimate.value) / 400)
    assert estimate.low == pytest.approx(estimate.value - half, abs=0.01)
    assert estimate.high == pytest.approx(estimate.value + half, abs=0.01)


def test_photographs_of_one_lesion_widen_the_interval() -> None:
    truth, predicted = guesses(60, 0.7)
    truth, predicted = np.repeat(truth, 8), np.repeat(predicted, 8)
    by_lesion = [str(i // 8) for i in range(480)]
    single = [str(i) for i in range(480)]
    for estimate in (
        estimate_accuracy,
        lambda t, p, g, seed: estimate_balanced_accuracy(t, p, g, [0, 1, 2], seed),
    ):
        wide, narrow = estimate(truth, predicted, by_lesion, 0), estimate(truth, predicted, single, 0)
        assert wide is not None
        assert narrow is not None
        assert (wide.high - wide.low) > 2 * (narrow.high - narrow.low)
        assert wide.value == narrow.value


def test_a_seed_fixes_the_interval() -> None:
    truth, predicted = guesses(90, 0.5)
    groups = [str(i) for i in range(90)]
    first = estimate_balanced_accuracy(truth, predicted, groups, [0, 1, 2], seed=4)
    assert first == estimate_balanced_accuracy(truth, predicted, groups, [0, 1, 2], seed=4)
    assert first != estimate_balanced_accuracy(truth, predicted, groups, [0, 1, 2], seed=5)


def test_the_evaluation_stands_beside_the_majority_and_leaves_rare_classes_out() -> None:
    truth = np.repeat([0, 1, 2], [10, 30, 9])
    predicted = truth.copy()
    predicted[:5] = 1
    found = evaluate(truth, predicted, [str(i // 2) for i in range(49)], LABELS, majority=1, seed=0)
    json.dumps(found, allow_nan=False)
    assert (found["n"], found["groups"], found["majority_label"]) == (49, 25, "nevus")
    assert found["network"]["balanced_accuracy"]["value"] == pytest.approx(0.75)
    assert found["network"]["balanced_accuracy"]["n"] == 40
    assert found["network"]["accuracy"]["value"] == pytest.approx(44 / 49)
    assert found["network"]["accuracy"]["n"] == 49
    assert found["majority_baseline"]["balanced_accuracy"]["value"] == pytest.approx(0.5)
    assert found["majority_baseline"]["accuracy"]["value"] == pytest.approx(30 / 49)
    assert found["recall"]["melanoma"] == {"n": 10, "evaluated": True, "recall": 0.5}
    assert found["recall"]["seborrheic_keratosis"] == {"n": 9, "evaluated": False, "recall": 1.0}


def test_a_test_part_without_a_class_that_is_large_enough_is_not_evaluated() -> None:
    truth = np.array([0, 1])
    found = evaluate(truth, truth, ["a", "b"], LABELS, majority=0, seed=0)
    assert found["network"]["balanced_accuracy"] is None
    assert found["recall"]["seborrheic_keratosis"] == {"n": 0, "evaluated": False, "recall": None}
