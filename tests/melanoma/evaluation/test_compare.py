"""Which of two models is better, and the rule that decides whether the new one replaces the old."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import binomial_p, compare, judge, mcnemar
from melanoma.evaluation.inputs.ground_truth import Columns, read_truths
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.table_predictions import read_answers
from melanoma.evaluation.inputs.training_set import read_trained
from melanoma.evaluation.metrics.agreement import pair
from melanoma.evaluation.promotion_rule import KEEP, OPEN, PROMOTE, verdict
from tests.helpers import ROOT
from tests.helpers.outputs import table_in
from tests.helpers.predictions import drawn
from tests.helpers.score_tables import OTHER_MODEL, SLUGS, commit, labels, scored

DOC = (ROOT / "docs" / "models" / "evaluation.md").read_text(encoding="utf-8")


def improved(old: Predictions, share: float) -> Predictions:
    """Puts right some of what was wrong."""
    mended = np.random.default_rng(9).random(old.n) < share
    p = np.where(mended[:, None], 0.9 * np.eye(3)[old.truth] + 0.1 / 3, old.probabilities).astype(np.float32)
    return Predictions(old.slugs, old.truth, p, p.argmax(axis=1), old.groups)


def test_the_difference_is_new_less_old_on_the_same_photographs() -> None:
    old = drawn(400, strength=0.5, per_group=2)
    new = improved(old, 0.3)
    found = judge(old, new, seed=0)
    row = found["figures"]["balanced_accuracy"]
    assert row["difference"]["value"] == pytest.approx(row["new"]["value"] - row["old"]["value"])
    assert 0 < row["difference"]["low"] < row["difference"]["high"]
    assert row["difference"]["high"] - row["difference"]["low"] < row["old"]["high"] - row["old"]["low"]
    assert found["figures"]["brier"]["difference"]["high"] < 0
    assert found["figures"]["melanoma_auc"]["difference"]["low"] > 0
    assert found["by_label"]["melanoma"]["difference"] == found["figures"]["melanoma_sensitivity"]["difference"]
    assert (found["n"], found["groups"], found["evaluated"]) == (400, 200, list(old.slugs))
    back = judge(new, old, seed=0)["figures"]["balanced_accuracy"]["difference"]
    assert back["value"] == pytest.approx(-row["difference"]["value"])


def test_a_model_does_not_differ_from_itself() -> None:
    old = drawn(300)
    found = judge(old, old, seed=0)
    for row in found["figures"].values():
        assert [row["difference"][end] for end in ("value", "low", "high")] == [0, 0, 0]
    assert found["mcnemar"] == {"only_old_right": 0, "only_new_right": 0, "p": 1.0}


def test_a_flag_is_compared_where_both_set_one() -> None:
    flags = drawn(300).probabilities[:, 0] > 0.3
    old, new = drawn(300, flagged=flags), drawn(300, flagged=np.ones(300, np.bool_))
    figures = judge(old, new, 0)["figures"]
    assert figures["flag_sensitivity"]["new"]["value"] == 1.0
    assert figures["flag_specificity"]["new"]["value"] == 0.0
    assert "flag_sensitivity" not in judge(drawn(300), new, 0)["figures"]


def test_mcnemar_counts_what_only_one_gets_right() -> None:
    old = drawn(200, strength=0.2)
    new = improved(old, 0.5)
    found = mcnemar(old, new)
    assert found["only_old_right"] == 0
    assert found["only_new_right"] == (new.top == new.truth).sum() - (old.top == old.truth).sum()
    assert found["p"] < 1e-6


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(0, 0, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (3, 3, 1.0), (1, 7, 0.0703125), (2, 8, 0.109375)],
)
def test_the_exact_test_is_that_of_the_binomial(one: int, other: int, p: float) -> None:
    assert binomial_p(one, other) == pytest.approx(p)
    assert 0 <= binomial_p(40_000, 41_000) < 0.001


def figures(
    balanced: tuple[float, ...], sensitivity: tuple[float, ...] | None, auc: tuple[float, ...] = (0, 0, 0)
) -> dict:
    rows = {"balanced_accuracy": balanced, "melanoma_sensitivity": sensitivity, "melanoma_auc": auc}
    return {
        name: {"difference": dict(zip(("value", "low", "high"), row, strict=True))}
        for name, row in rows.items()
        if row is not None
    }


BETTER, SAFE = (0.02, -0.005, 0.045), (0.0, -0.04, 0.04)


@pytest.mark.parametrize(
    ("balanced", "sensitivity", "auc", "word", "reason"),
    [
        (BETTER, SAFE, (0, -0.01, 0.01), PROMOTE, r"balanced accuracy differs by \+0.020"),
        ((0.02, -0.01, 0.05), SAFE, (0, -0.01, 0.01), OPEN, "balanced accuracy differs"),
        ((0.0, -0.005, 0.005), SAFE, (0, -0.01, 0.01), OPEN, "balanced accuracy differs"),
        ((-0.02, -0.05, 0.01), SAFE, (0, -0.01, 0.01), OPEN, "balanced accuracy differs"),
        ((-0.02, -0.05, -0.001), SAFE, (0, -0.01, 0.01), KEEP, "balanced accuracy is shown to fall"),
        (BETTER, (-0.03, -0.06, -0.001), (0, -0.01, 0.01), KEEP, "melanoma sensitivity is shown to fall"),
        (BETTER, SAFE, (-0.02, -0.03, -0.01), KEEP, "melanoma AUC is shown to fall"),
        (BETTER, (-0.01, -0.05, 0.03), (0, -0.01, 0.01), KEEP, "by more than 0.05 is not ruled out"),
        (BETTER, None, (0, -0.01, 0.01), KEEP, "fewer than 10 melanomas"),
    ],
)
def test_the_rule_decides(
    balanced: tuple[float, ...],
    sensitivity: tuple[float, ...] | None,
    auc: tuple[float, ...],
    word: str,
    reason: str,
) -> None:
    found = verdict(figures(balanced, sensitivity, auc), knows_melanoma=True)
    assert found["verdict"] == word
    assert any(re.search(reason, said) for said in found["reasons"])
    assert found["rule"] in " ".join(DOC.replace("\n> ", " ").split())


def test_the_rule_without_melanoma_or_without_any_class() -> None:
    without = {"balanced_accuracy": figures(BETTER, None)["balanced_accuracy"]}
    assert verdict(without, knows_melanoma=False)["verdict"] == PROMOTE
    assert verdict({"balanced_accuracy": {"difference": None}}, knows_melanoma=True)["verdict"] == OPEN


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str, str]:
    """An old model that guesses, a new one that knows another class too and is right, and labels."""
    dice, classes = np.random.default_rng(0), (*SLUGS, "benign_keratosis")
    truth = dice.integers(0, 4, 200)
    old = [scored(str(i), *dice.dirichlet(np.ones(3))) for i in range(200)]
    sure = 0.7 * np.eye(4)[truth] + 0.3 * dice.dirichlet(np.ones(4), 200)
    new = [scored(str(i), *sure[i], slugs=classes, model_id=OTHER_MODEL) for i in range(200)]
    text = "image_id,dx,lesion\n" + "".join(f"{i},{classes[truth[i]]},L{i // 2}\n" for i in range(190))
    return (
        commit(tmp_path / "old", old),
        commit(tmp_path / "new", new, classes),
        labels(tmp_path / "labels.csv", text),
    )


def test_tables_are_judged_on_classes_that_both_models_know(tables: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, uri = tables
    truths = read_truths(uri, Columns("image_id", "dx", "lesion"))
    split = read_trained([labels(tmp_path / "split.csv", "image_id,group\n0,L0\n")])
    found = compare(pair(read_answers(table_in(old)), read_answers(table_in(new))), truths, split, seed=0)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    judged = found["judged"]
    unknown = sum(truth.label == "benign_keratosis" for truth in truths.by_id.values())
    assert judged["labels_not_known_to_both"] == {"benign_keratosis": unknown}
    trained_on = sum(truths.by_id[name].label != "benign_keratosis" for name in "01")
    assert judged["data"]["photographs_trained_on"] == trained_on
    assert judged["n"] == 190 - unknown - trained_on
    assert judged["figures"]["balanced_accuracy"]["new"]["value"] == 1.0
    assert judged["verdict"]["verdict"] == PROMOTE
    assert found["agreement"]["n"] == 200
    assert found["new"]["model_id"] == OTHER_MODEL


def test_without_labels_nobody_is_judged(tables: tuple[str, str, str]) -> None:
    found = compare(pair(read_answers(table_in(tables[0])), read_answers(table_in(tables[1]))), None, None, seed=0)
    assert found["judged"] is None
    assert found["agreement"]["same_top_label"] < 200


def test_every_key_of_the_comparison_is_in_the_documentation(tables: tuple[str, str, str]) -> None:
    truths = read_truths(tables[2], Columns("image_id", "dx", "lesion"))
    found = compare(pair(read_answers(table_in(tables[0])), read_answers(table_in(tables[1]))), truths, None, seed=0)
    promised = set(re.findall(r"`([a-z_0-9.-]+)`", DOC))
    wanted = set(found) | {f"agreement.{name}" for name in found["agreement"]}
    wanted |= {f"judged.{name}" for name in found["judged"]} | set(found["judged"]["figures"])
    assert {key for key in wanted if not key.endswith(".n")} - promised == set()
