"""The rule that decides whether a new model replaces the old one."""

import re

import pytest

from melanoma.evaluation.promotion_rule import KEEP, OPEN, PROMOTE, RULE, verdict
from tests.helpers import ROOT

BETTER, SAFE, EQUAL = (0.02, -0.005, 0.045), (0.0, -0.04, 0.04), (0.0, -0.01, 0.01)


def differences(
    balanced: tuple[float, ...] | None, sensitivity: tuple[float, ...] | None, auc: tuple[float, ...] = EQUAL
) -> dict:
    """Returns metrics with differences of (value, low, high); a metric without one was not computed."""
    rows = {"balanced_accuracy": balanced, "melanoma_sensitivity": sensitivity, "melanoma_auc": auc}
    return {
        name: {"difference": dict(zip(("value", "low", "high"), row, strict=True))}
        for name, row in rows.items()
        if row is not None
    }


@pytest.mark.parametrize(
    ("balanced", "sensitivity", "auc", "word", "reason"),
    [
        (BETTER, SAFE, EQUAL, PROMOTE, r"balanced accuracy differs by \+0.020 \(-0.005 to \+0.045\)"),
        ((0.02, -0.01, 0.05), SAFE, EQUAL, OPEN, "balanced accuracy differs"),
        ((0.02, -0.0099, 0.05), SAFE, EQUAL, PROMOTE, "balanced accuracy differs"),
        ((0.0, -0.005, 0.005), SAFE, EQUAL, OPEN, "balanced accuracy differs"),
        ((-0.02, -0.05, 0.01), SAFE, EQUAL, OPEN, "balanced accuracy differs"),
        ((-0.02, -0.05, 0.0), SAFE, EQUAL, OPEN, "balanced accuracy differs"),
        ((-0.02, -0.05, -0.001), SAFE, EQUAL, KEEP, "balanced accuracy is worse: -0.020"),
        (BETTER, (-0.03, -0.06, -0.001), EQUAL, KEEP, "melanoma sensitivity is worse"),
        (BETTER, SAFE, (-0.02, -0.03, -0.01), KEEP, "melanoma AUC is worse"),
        (BETTER, (-0.01, -0.05, 0.03), EQUAL, KEEP, "may have fallen by more than 0.05"),
        (BETTER, (-0.01, -0.0499, 0.03), EQUAL, PROMOTE, r"melanoma sensitivity differs by -0.010"),
        (BETTER, None, EQUAL, KEEP, "fewer than 10 melanomas"),
    ],
)
def test_the_rule_decides(
    balanced: tuple[float, ...],
    sensitivity: tuple[float, ...] | None,
    auc: tuple[float, ...],
    word: str,
    reason: str,
) -> None:
    found = verdict(differences(balanced, sensitivity, auc), knows_melanoma=True)
    assert found["verdict"] == word
    assert any(re.search(reason, given) for given in found["reasons"])
    assert found["rule"] == RULE


def test_every_metric_that_is_worse_is_named() -> None:
    worse = (-0.1, -0.2, -0.05)
    found = verdict(differences(worse, worse, worse), knows_melanoma=True)
    assert [reason.partition(" is worse")[0] for reason in found["reasons"]] == [
        "balanced accuracy",
        "melanoma sensitivity",
        "melanoma AUC",
    ]


def test_models_that_do_not_know_melanoma_are_compared_without_it() -> None:
    without = {"balanced_accuracy": differences(BETTER, None)["balanced_accuracy"]}
    found = verdict(without, knows_melanoma=False)
    assert (found["verdict"], found["reasons"][1]) == (PROMOTE, "the models do not know melanoma")


def test_without_an_evaluated_class_no_difference_is_shown() -> None:
    assert verdict({"balanced_accuracy": {"difference": None}}, knows_melanoma=True)["verdict"] == OPEN


def test_the_documentation_quotes_the_rule() -> None:
    doc = (ROOT / "docs" / "models" / "evaluation.md").read_text(encoding="utf-8")
    assert RULE in " ".join(doc.replace("\n> ", " ").split())
