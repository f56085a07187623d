"""The whole report: JSON that keeps its promises, for many photographs and for none."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.predictions import Predictions
from tests.helpers import ROOT
from tests.helpers.predictions import SLUGS, drawn, stated

DOC = (ROOT / "docs" / "models" / "evaluation.md").read_text(encoding="utf-8")


def test_headlines_stand_beside_what_is_reached_without_looking() -> None:
    predictions = drawn(400, per_group=2)
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


def test_the_decision_rule_is_judged_and_not_the_argmax() -> None:
    predictions = drawn(300)
    other = replace(predictions, top=np.full(300, 2))
    found = evaluate(other, seed=0)
    assert found["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["by_label"]["basal_cell_carcinoma"]["sensitivity"]["value"] == 1.0
    assert [row[2] for row in found["confusion"]["counts"]] == np.bincount(predictions.truth).tolist()
    plain = evaluate(predictions, seed=0)
    for name in ("macro_auc", "brier", "log_loss", "calibration", "challenge"):
        assert found[name] == plain[name]


def test_a_class_with_few_photographs_is_told_and_not_evaluated() -> None:
    truth = [0] * 10 + [1] * 30 + [2] * 9
    p = np.eye(3)[[1] * 5 + [0] * 5 + [1] * 30 + [2] * 9].tolist()
    found = evaluate(stated(p, truth), seed=0)
    assert found["evaluated"] == ["melanoma", "nevus"]
    assert found["by_label"]["basal_cell_carcinoma"]["evaluated"] is False
    assert found["by_label"]["basal_cell_carcinoma"]["n"] == 9
    assert found["balanced_accuracy"]["value"] == pytest.approx(0.75)
    assert found["balanced_accuracy"]["n"] == 40
    assert found["accuracy"]["n"] == 49


@pytest.mark.parametrize("n", [0, 1, 2])
def test_next_to_nothing_gives_next_to_nothing(n: int) -> None:
    found = evaluate(drawn(300).where(np.arange(300) < n), seed=0)
    json.dumps(found, allow_nan=False)
    assert (found["n"], found["balanced_accuracy"], found["macro_auc"]) == (n, None, None)
    assert (found["accuracy"] is None) == (n == 0)
    assert found["evaluated"] == []


def test_one_class_alone_has_no_auc() -> None:
    found = evaluate(stated([[0.6, 0.3, 0.1]] * 20, [0] * 20), seed=0)
    assert found["by_label"]["melanoma"]["auc"] is None
    assert found["by_label"]["melanoma"]["specificity"] is None
    assert found["by_label"]["nevus"]["auc"] is None
    assert found["balanced_accuracy"]["value"] == 1.0
    assert found["curves"]["melanoma"]["roc"] == []


def test_ten_thousand_photographs_of_nine_classes_are_judged_at_once() -> None:
    dice = np.random.default_rng(1)
    p = dice.dirichlet(np.ones(9), 10_000).astype(np.float32)
    truth, groups = dice.integers(0, 9, 10_000), np.array([f"g{i // 2}" for i in range(10_000)])
    found = evaluate(Predictions(tuple(f"c{i}" for i in range(9)), truth, p, p.argmax(axis=1), groups), seed=0)
    assert found["resamples"] >= 1000
    assert found["macro_auc"]["low"] < 0.5 < found["macro_auc"]["high"]


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="300 photographs of 3 classes"):
        drawn(300, flagged=np.zeros(299, np.bool_))
    with pytest.raises(ValueError, match="between 0 and 2"):
        replace(drawn(300), top=np.full(300, 3))


def keys_of(report: dict[str, object]) -> set[str]:
    return {f"{name}.{inner}" for name, value in report.items() if isinstance(value, dict) for inner in value} | set(
        report
    )


def test_every_key_of_the_report_is_in_the_documentation() -> None:
    flags = np.arange(300) % 2 == 0
    found = evaluate(drawn(300, flagged=flags, review=~flags, subgroups={"sex": np.full(300, "f")}), seed=0)
    promised = set(re.findall(r"`([a-z_0-9.]+)`", DOC))
    free = {"by_label", "curves", "subgroups"}
    inner = {f"by_label.{name}" for name in found["by_label"]["melanoma"]}
    inner |= {f"subgroups.{name}" for name in found["subgroups"]["sex"]["f"]}
    inner |= {f"curves.{name}" for name in found["curves"]["melanoma"]}
    wanted = {key for key in keys_of(found) if key.split(".")[0] not in free} | free | inner
    estimates = {"value", "low", "high", "n"}
    assert {key for key in wanted if key.split(".")[-1] not in estimates} - promised == set()
