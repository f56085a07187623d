"""What the commands print."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import compare, compare_predictions
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.pairing import pair_predictions
from melanoma.evaluation.promotion_rule import verdict
from melanoma.evaluation.summary import comparison_summary, evaluation_summary
from tests.helpers.predictions import accounting, predictions_of, random_predictions
from tests.helpers.score_tables import MODEL, OTHER_MODEL, read_predictions, scored_row, write_table


def line_of(summary: str, name: str) -> str:
    """Returns what a summary prints behind a name."""
    (line,) = [line for line in summary.splitlines() if line.strip().startswith(name)]
    return line.strip().removeprefix(name).strip()


def test_an_evaluation_prints_each_metric_with_what_to_compare_it_with() -> None:
    report = {**evaluate(random_predictions(120), seed=0), "data": accounting()}
    summary = evaluation_summary(report)
    assert summary.startswith("m-1: 120 photographs of 120 lesions or patients\n")
    balanced, baseline = report["balanced_accuracy"], report["baseline"]
    assert line_of(summary, "balanced accuracy") == (
        f"{balanced['value']:.3f} ({balanced['low']:.3f} to {balanced['high']:.3f})   "
        f"always melanocytic nevus: {baseline['balanced_accuracy']['value']:.3f}"
    )
    assert line_of(summary, "accuracy").endswith(f"always melanocytic nevus: {baseline['accuracy']['value']:.3f}")
    assert line_of(summary, "macro AUC").endswith("guessing: 0.500")
    assert line_of(summary, "calibration error").endswith(f"{report['calibration']['perfect']['mean']:.3f}")
    assert line_of(summary, "Melanoma ").split()[0] == str(report["by_label"]["melanoma"]["n"])
    assert "Model m-1 in s3://scores, version 4." in summary
    assert "not a diagnosis" in summary.splitlines()[-1]


def test_an_evaluation_of_too_few_photographs_prints_dashes() -> None:
    report = {**evaluate(predictions_of([[0.6, 0.3, 0.1]] * 3, [0, 1, 2]), seed=0), "data": accounting()}
    assert line_of(evaluation_summary(report), "balanced accuracy").split()[0] == "–"


@pytest.fixture
def comparison(tmp_path: Path) -> dict:
    """Of ten photographs the new model moves seven from nevus to another class."""
    melanoma, carcinoma, nevus = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (0.1, 0.8, 0.1)
    old = [scored_row(str(i), *nevus) for i in range(10)]
    moved = [melanoma] * 5 + [carcinoma] * 2 + [nevus] * 3
    new = [scored_row(str(i), *p, model_id=OTHER_MODEL) for i, p in enumerate(moved)]
    tables = (write_table(tmp_path / "old", old), write_table(tmp_path / "new", new))
    return compare(pair_predictions(*map(read_predictions, tables)), None, None, seed=0)


def test_a_comparison_without_labels_prints_how_far_the_predictions_differ(comparison: dict) -> None:
    summary = comparison_summary(comparison)
    assert summary.startswith(f"{MODEL} (old) against {OTHER_MODEL} (new) on 10 photographs\n")
    assert line_of(summary, "same class chosen") == "3 of 10, Cohen's kappa 0.000"
    assert line_of(summary, "difference").startswith("0.7 at most")
    assert line_of(summary, "changes") == "melanocytic nevus to melanoma 5, melanocytic nevus to basal cell carcinoma 2"
    assert "verdict" not in summary
    assert "not a diagnosis" in summary.splitlines()[-1]


def test_a_comparison_with_labels_prints_differences_and_the_verdict(comparison: dict) -> None:
    old, new = random_predictions(90, strength=0.2), random_predictions(90, strength=4)
    judged = compare_predictions(old, new, seed=0)
    data = {name: accounting()[name] for name in ("labels", "labels_sha256", "group_column", "trained_on")}
    judged |= {
        "verdict": verdict(judged["figures"], knows_melanoma=True),
        "labels_not_known_to_both": {},
        "data": {**data, "photographs_trained_on": 0},
    }
    summary = comparison_summary({**comparison, "judged": judged})
    row = judged["figures"]["brier"]
    assert line_of(summary, "Brier score").split()[:3] == [
        f"{row['old']['value']:.3f}",
        f"{row['new']['value']:.3f}",
        f"{row['difference']['value']:+.3f}",
    ]
    melanomas = int(np.count_nonzero(old.truth == 0))
    assert line_of(summary, f"melanoma, n = {melanomas}").startswith(
        f"{judged['by_label']['melanoma']['old']['value']:.3f}"
    )
    test = judged["mcnemar"]
    assert line_of(summary, "only one correct").startswith(
        f"old {test['only_old_right']}, new {test['only_new_right']}, McNemar's p "
    )
    assert line_of(summary, "verdict").startswith("promote: balanced accuracy differs by +")
