"""The metrics of the ISIC challenges, with their rules for ties and for classes without labels or predictions."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from melanoma.evaluation.metrics.isic_challenge import evaluate_challenge
from tests.helpers.predictions import SLUGS, predictions_of, random_predictions


def test_a_class_is_predicted_above_one_half() -> None:
    predictions = random_predictions(300)
    found = evaluate_challenge(predictions)
    for index, slug in enumerate(SLUGS):
        positive, scores = predictions.truth == index, predictions.probabilities[:, index]
        called = scores > 0.5
        expected = {
            "accuracy": accuracy_score(positive, called),
            "sensitivity": recall_score(positive, called),
            "specificity": recall_score(~positive, ~called),
            "dice": f1_score(positive, called),
            "ppv": precision_score(positive, called),
            "npv": precision_score(~positive, ~called),
            "auc": roc_auc_score(positive, scores),
            "average_precision": average_precision_score(positive, scores),
        }
        assert {name: found["by_label"][slug][name] for name in expected} == pytest.approx(expected)
    assert found["mean"]["auc"] == pytest.approx(np.mean([found["by_label"][slug]["auc"] for slug in SLUGS]))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(predictions.truth, predictions.top))


def test_one_half_is_not_above_one_half() -> None:
    found = evaluate_challenge(predictions_of([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], [0, 1]))["by_label"]["melanoma"]
    assert found["sensitivity"] == 0.0


def test_a_tie_counts_as_wrong() -> None:
    tied = predictions_of([[0.4, 0.4, 0.2], [0.1, 0.8, 0.1]], [0, 1])
    assert tied.top[0] == 0
    assert evaluate_challenge(tied)["balanced_accuracy"] == 0.5


def test_a_class_without_predictions_has_a_ppv_of_1_and_one_without_labels_has_no_metrics() -> None:
    found = evaluate_challenge(predictions_of([[0.4, 0.3, 0.3], [0.2, 0.7, 0.1]], [0, 1]))
    assert found["by_label"]["melanoma"]["ppv"] == 1.0
    assert found["by_label"]["basal_cell_carcinoma"] is None
    figures = [found["by_label"][slug]["sensitivity"] for slug in ("melanoma", "nevus")]
    assert found["mean"]["sensitivity"] == pytest.approx(np.mean(figures))
    assert found["balanced_accuracy"] == 1.0


def test_a_single_class_has_only_a_balanced_accuracy() -> None:
    found = evaluate_challenge(predictions_of([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], [0, 0]))
    assert (found["balanced_accuracy"], found["mean"]) == (0.5, None)
    assert evaluate_challenge(predictions_of([], [])) == {
        "balanced_accuracy": None,
        "by_label": dict.fromkeys(SLUGS),
        "mean": None,
    }
