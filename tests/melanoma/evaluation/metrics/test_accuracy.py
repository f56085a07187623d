"""How often the chosen class is the labelled one, as scikit-learn counts it."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
)
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from melanoma.evaluation.inputs.predictions import Mask
from melanoma.evaluation.metrics.accuracy import (
    accuracy,
    balanced_accuracy,
    binary_metrics,
    confusion_matrix,
    evaluate_flag,
    evaluate_review,
)
from tests.helpers.predictions import predictions_of, random_predictions

ONCE = np.ones((1, 300))


def test_accuracies_and_confusion_matrix_equal_those_of_scikit_learn() -> None:
    found = random_predictions(300)
    assert accuracy(found.truth, found.top).compute(ONCE)[0] == pytest.approx(accuracy_score(found.truth, found.top))
    balanced = balanced_accuracy(found.truth, found.top, [0, 1, 2]).compute(ONCE)[0]
    assert balanced == pytest.approx(balanced_accuracy_score(found.truth, found.top))
    assert confusion_matrix(found).tolist() == sklearn_confusion_matrix(found.truth, found.top).tolist()


def test_weights_count_a_photograph_as_often_as_it_was_drawn() -> None:
    found = random_predictions(300)
    weights = np.random.default_rng(2).integers(0, 4, (5, 300)).astype(np.float64)
    expected = [balanced_accuracy_score(found.truth, found.top, sample_weight=row) for row in weights]
    assert balanced_accuracy(found.truth, found.top, [0, 1, 2]).compute(weights) == pytest.approx(expected)


def test_only_evaluated_classes_that_occur_count() -> None:
    truth, chosen = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    measure = balanced_accuracy(truth, chosen, [0, 1])
    assert measure.compute(np.ones((1, 4)))[0] == pytest.approx(0.75)
    assert measure.among.sum() == 3
    assert measure.compute(np.array([[1.0, 1, 0, 1]]))[0] == pytest.approx(0.5)
    assert np.isnan(balanced_accuracy(truth, chosen, []).compute(np.ones((1, 4)))[0])


def test_weighted_binary_metrics_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    positive, called = rng.random(200) < 0.3, rng.random(200) < 0.4
    weights = rng.integers(0, 4, (3, 200)).astype(np.float64)
    found = {name: measure.compute(weights) for name, measure in binary_metrics(positive, called).items()}
    for row, times in enumerate(weights):
        assert found["sensitivity"][row] == pytest.approx(recall_score(positive, called, sample_weight=times))
        assert found["specificity"][row] == pytest.approx(recall_score(~positive, ~called, sample_weight=times))
        assert found["ppv"][row] == pytest.approx(precision_score(positive, called, sample_weight=times))
        assert found["npv"][row] == pytest.approx(precision_score(~positive, ~called, sample_weight=times))
        assert found["dice"][row] == pytest.approx(f1_score(positive, called, sample_weight=times))
    assert binary_metrics(positive, called)["ppv"].among.sum() == called.sum()


def test_a_division_by_zero_is_undefined() -> None:
    yes, no, nan = np.ones(4, np.bool_), np.zeros(4, np.bool_), np.nan

    def figures(positive: Mask, called: Mask) -> list[float]:
        found = binary_metrics(positive, called)
        return [float(found[name].compute(np.ones((1, 4)))[0]) for name in ("ppv", "npv", "dice")]

    assert figures(yes, no) == pytest.approx([nan, 0, 0], nan_ok=True)
    assert figures(no, yes) == pytest.approx([0, nan, nan], nan_ok=True)
    assert figures(no, no) == pytest.approx([nan, 1, nan], nan_ok=True)


def test_the_flag_is_evaluated_as_a_yes_or_no_prediction() -> None:
    flagged = random_predictions(300).probabilities[:, 0] >= 0.3
    predictions = random_predictions(300, flagged=flagged)
    found = evaluate_flag(predictions, seed=0)
    assert found is not None
    positive = predictions.truth == 0
    assert found["n"] == flagged.sum()
    assert found["sensitivity"]["value"] == pytest.approx(recall_score(positive, flagged))
    assert found["sensitivity"]["n"] == positive.sum()
    assert found["specificity"]["value"] == pytest.approx(recall_score(~positive, ~flagged))
    assert found["ppv"]["value"] == pytest.approx(precision_score(positive, flagged))
    assert found["ppv"]["low"] < found["ppv"]["value"] < found["ppv"]["high"]
    assert evaluate_flag(random_predictions(300), 0) is None
    assert evaluate_flag(predictions_of([[0.5, 0.5]], [0], ("nevus", "scar")), 0) is None


def test_a_referral_rule_is_evaluated_on_referred_and_other_photographs() -> None:
    plain = random_predictions(300)
    sent = plain.probabilities.max(axis=1) < 0.6
    found = evaluate_review(random_predictions(300, review=sent), seed=0)
    assert found is not None
    right = plain.top == plain.truth
    assert (found["n"], found["share"]["value"]) == (sent.sum(), pytest.approx(sent.mean()))
    assert found["accuracy_kept"]["value"] == pytest.approx(right[~sent].mean())
    assert found["accuracy_sent"]["value"] == pytest.approx(right[sent].mean())
    assert found["accuracy_kept"]["value"] > found["accuracy_sent"]["value"]
    assert evaluate_review(plain, 0) is None
    everything = evaluate_review(random_predictions(300, review=np.ones(300, np.bool_)), 0)
    assert everything is not None
    assert everything["accuracy_kept"] is None
