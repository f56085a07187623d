"""The whole report of an evaluation, for many photographs and for none."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.report import Report
from tests.helpers.predictions import SLUGS, predictions_of, random_predictions


def test_metrics_come_with_those_of_constant_predictions() -> None:
    predictions = random_predictions(400, per_group=2)
    found = evaluate(predictions, seed=0)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["n"], found["groups"], found["labels"], found["evaluated"]) == (400, 200, list(SLUGS), list(SLUGS))
    recalls = [found["by_label"][slug]["sensitivity"]["value"] for slug in SLUGS]
    assert found["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
    assert found["baseline"]["label"] == "nevus"
    assert found["baseline"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["baseline"]["accuracy"]["value"] == pytest.approx((predictions.truth == 1).mean())
    shares = np.bincount(predictions.truth) / 400
    assert found["baseline"]["brier"] == pytest.approx(1 - (shares**2).sum())
    aucs = [roc_auc_score(predictions.truth == i, predictions.probabilities[:, i]) for i in range(3)]
    assert [found["by_label"][slug]["auc"]["value"] for slug in SLUGS] == pytest.approx(aucs)
    assert found["macro_auc"]["value"] == pytest.approx(np.mean(aucs))
    for name in ("balanced_accuracy", "accuracy", "macro_auc", "brier", "log_loss"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert evaluate(predictions, seed=0, majority=0)["baseline"]["label"] == "melanoma"


def test_the_decision_rule_is_evaluated_and_not_the_argmax() -> None:
    predictions = random_predictions(300)
    other = replace(predictions, top=np.full(300, 2))
    found = evaluate(other, seed=0)
    assert found["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["by_label"]["basal_cell_carcinoma"]["sensitivity"]["value"] == 1.0
    assert [row[2] for row in found["confusion"]["counts"]] == np.bincount(predictions.truth).tolist()
    plain = evaluate(predictions, seed=0)
    for name in ("macro_auc", "brier", "log_loss", "calibration", "challenge"):
        assert found[name] == plain[name]


def test_a_class_with_few_photographs_is_listed_and_not_evaluated() -> None:
    truth = [0] * 10 + [1] * 30 + [2] * 9
    p = np.eye(3)[[1] * 5 + [0] * 5 + [1] * 30 + [2] * 9].tolist()
    found = evaluate(predictions_of(p, truth), seed=0)
    assert found["evaluated"] == ["melanoma", "nevus"]
    assert found["by_label"]["basal_cell_carcinoma"]["evaluated"] is False
    assert found["by_label"]["basal_cell_carcinoma"]["n"] == 9
    assert found["balanced_accuracy"]["value"] == pytest.approx(0.75)
    assert found["balanced_accuracy"]["n"] == 40
    assert found["accuracy"]["n"] == 49


@pytest.mark.parametrize("n", [0, 1, 2])
def test_two_photographs_or_fewer_have_no_mean_over_classes(n: int) -> None:
    found = evaluate(random_predictions(300).where(np.arange(300) < n), seed=0)
    json.dumps(found, allow_nan=False)
    assert (found["n"], found["balanced_accuracy"], found["macro_auc"]) == (n, None, None)
    assert (found["accuracy"] is None) == (n == 0)
    assert found["evaluated"] == []


def test_one_class_alone_has_no_auc() -> None:
    found = evaluate(predictions_of([[0.6, 0.3, 0.1]] * 20, [0] * 20), seed=0)
    assert found["by_label"]["melanoma"]["auc"] is None
    assert found["by_label"]["melanoma"]["specificity"] is None
    assert found["by_label"]["nevus"]["auc"] is None
    assert found["balanced_accuracy"]["value"] == 1.0
    assert found["curves"]["melanoma"]["roc"] == []


def test_many_photographs_of_nine_classes_are_resampled_in_several_chunks() -> None:
    n = 1100
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(9), n).astype(np.float32)
    truth, groups = rng.integers(0, 9, n), np.array([f"g{i // 2}" for i in range(n)])
    found = evaluate(Predictions(tuple(f"c{i}" for i in range(9)), truth, p, p.argmax(axis=1), groups), seed=0)
    assert n * bootstrap.RESAMPLES > bootstrap._CHUNK
    assert (found["n"], found["groups"], found["resamples"], len(found["evaluated"])) == (n, 550, 1000, 9)
    assert found["macro_auc"]["low"] < 0.5 < found["macro_auc"]["high"]
    assert found["macro_auc"]["high"] - found["macro_auc"]["low"] < 0.05


def reordered(predictions: Predictions, order: np.ndarray) -> Predictions:
    """Returns the photographs in another order, or some of them several times."""
    return replace(
        predictions,
        truth=predictions.truth[order],
        probabilities=predictions.probabilities[order],
        top=predictions.top[order],
        groups=predictions.groups[order],
    )


def values(report: Report) -> dict[str, float]:
    """Returns the ends of every interval of a report that has no calibration error in it, by key."""
    overall = {name: report[name] for name in ("balanced_accuracy", "accuracy", "macro_auc", "brier", "log_loss")}
    by_label = {
        f"{slug}.{name}": estimate
        for slug, metrics in report["by_label"].items()
        for name, estimate in metrics.items()
        if isinstance(estimate, dict)
    }
    return {
        f"{name}.{end}": estimate[end]
        for name, estimate in (overall | by_label).items()
        for end in ("value", "low", "high")
    }


def test_the_order_of_the_photographs_does_not_matter() -> None:
    predictions = random_predictions(150, per_group=3)
    order = np.random.default_rng(1).permutation(150)
    plain, other = (evaluate(one, seed=0) for one in (predictions, reordered(predictions, order)))
    assert values(other) == pytest.approx(values(plain))
    assert other["confusion"] == plain["confusion"]
    assert other["curves"] == plain["curves"]


def test_a_second_copy_of_every_photograph_in_its_lesion_adds_no_certainty() -> None:
    predictions = random_predictions(150)
    plain, twice = (evaluate(one, 0) for one in (predictions, reordered(predictions, np.repeat(np.arange(150), 2))))
    assert (twice["n"], twice["groups"]) == (300, 150)
    assert values(twice) == pytest.approx(values(plain))


def test_classes_in_another_order_have_the_same_metrics() -> None:
    predictions = random_predictions(150)
    order = [2, 0, 1]
    place = np.argsort(order)
    other = replace(
        predictions,
        slugs=tuple(SLUGS[index] for index in order),
        truth=place[predictions.truth],
        probabilities=predictions.probabilities[:, order],
        top=place[predictions.top],
    )
    plain, turned = evaluate(predictions, seed=0), evaluate(other, seed=0)
    assert list(turned["by_label"]) == ["basal_cell_carcinoma", "melanoma", "nevus"]
    assert values(turned) == pytest.approx(values(plain))
