"""Metrics within subgroups, and none where there are too few photographs."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP, evaluate_subgroups
from tests.helpers.predictions import predictions_of, random_predictions


def test_a_subgroup_has_the_metrics_of_its_own_photographs() -> None:
    sex = np.where(np.arange(400) % 4 == 0, "male", "female")
    predictions = random_predictions(400, per_group=2, subgroups={"sex": sex})
    found = evaluate_subgroups(predictions, seed=0)["sex"]
    assert list(found) == ["female", "male"]
    men = sex == "male"
    truth = predictions.truth[men]
    assert (found["male"]["n"], found["male"]["groups"], found["male"]["melanomas"]) == (100, 100, (truth == 0).sum())
    assert found["male"]["balanced_accuracy"]["value"] == pytest.approx(
        balanced_accuracy_score(truth, predictions.top[men])
    )
    expected = roc_auc_score(truth == 0, predictions.probabilities[men, 0])
    assert found["male"]["melanoma_auc"]["value"] == pytest.approx(expected)
    assert found["male"]["melanoma_auc"]["low"] < expected < found["male"]["melanoma_auc"]["high"]


def test_a_subgroup_with_too_few_photographs_has_no_metric() -> None:
    rank = np.arange(200)
    side = np.select([rank < MIN_SUBGROUP - 1, rank < 2 * MIN_SUBGROUP - 1], ["few", "enough"], "many")
    found = evaluate_subgroups(random_predictions(200, subgroups={"side": side}), seed=0)["side"]
    assert found["few"] == {
        "n": 49,
        "groups": 49,
        "melanomas": found["few"]["melanomas"],
        "evaluated": [],
        "balanced_accuracy": None,
        "melanoma_auc": None,
    }
    assert (found["enough"]["n"], found["many"]["n"]) == (MIN_SUBGROUP, 101)
    assert found["enough"]["balanced_accuracy"] is not None


@pytest.mark.parametrize(("melanomas", "is_judged"), [(9, False), (10, True), (50, True), (51, False)])
def test_a_melanoma_auc_needs_ten_melanomas_and_ten_others(melanomas: int, is_judged: bool) -> None:
    truth = [0] * melanomas + [1] * (60 - melanomas)
    p = np.random.default_rng(0).dirichlet(np.ones(3), 60).tolist()
    predictions = replace(predictions_of(p, truth), subgroups={"all": np.full(60, "all")})
    found = evaluate_subgroups(predictions, seed=0)["all"]["all"]
    assert (found["melanoma_auc"] is not None) is is_judged
    assert found["evaluated"] == [slug for slug, n in (("melanoma", melanomas), ("nevus", 60 - melanomas)) if n >= 10]


def test_a_model_without_the_class_melanoma_has_no_melanoma_auc() -> None:
    predictions = predictions_of([[0.6, 0.4], [0.3, 0.7]] * 40, [0, 1] * 40, ("nevus", "scar"))
    found = evaluate_subgroups(replace(predictions, subgroups={"all": np.full(80, "all")}), seed=0)["all"]["all"]
    assert (found["melanomas"], found["melanoma_auc"]) == (0, None)
    assert found["balanced_accuracy"]["value"] == 1.0
