"""Metrics as Markdown tables."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.training.release.markdown_tables import cells, evaluation_sections, inline, table
from tests.helpers.predictions import random_predictions

ESTIMATE = {"value": 0.12345, "low": 0.1, "high": 0.2, "n": 40.0}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    predictions = replace(random_predictions(300), subgroups={"site": np.repeat("back", 300)})
    return evaluate(predictions, 0)


def test_an_estimate_has_value_interval_and_n() -> None:
    assert cells(ESTIMATE) == ("0.123", "0.100 to 0.200", "40")
    assert inline(ESTIMATE) == "0.123 (0.100 to 0.200, n = 40)"


def test_a_value_that_could_not_be_measured_is_marked() -> None:
    assert cells(None) == ("not evaluated", "", "0")
    assert inline(None) == "not evaluated"


def test_a_table_aligns_all_columns_but_the_first_as_numbers() -> None:
    assert table(("class", "n", "share"), [("nevus", 3, 0.5), ("melanoma", 1, 0.25)]) == (
        "| class | n | share |\n| --- | ---: | ---: |\n| nevus | 3 | 0.5 |\n| melanoma | 1 | 0.25 |"
    )


def test_every_overall_metric_has_its_interval(report: dict[str, Any]) -> None:
    overall = list(evaluation_sections(report, {}))[1]
    for name, metric in (
        ("balanced accuracy", report["balanced_accuracy"]),
        ("accuracy", report["accuracy"]),
        ("mean AUC over classes", report["macro_auc"]),
        ("Brier score", report["brier"]),
        ("calibration error of the most likely class", report["calibration"]["error"]),
        ("balanced accuracy, always Melanocytic nevus", report["baseline"]["balanced_accuracy"]),
    ):
        row = f"| {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']:.0f} |"
        assert row in overall.splitlines()
    assert f"| {report['calibration']['perfect']['mean']:.3f} |" in overall


def test_without_a_calibration_its_rows_are_left_out(report: dict[str, Any]) -> None:
    text = "\n".join(evaluation_sections({**report, "calibration": None}, {}))
    assert "Brier score" in text and "calibration error" not in text


def test_a_class_with_few_photographs_shows_its_figures_with_a_warning_and_one_without_any_none(
    report: dict[str, Any],
) -> None:
    few = {**report["by_label"]["melanoma"], "evaluated": False, "n": 4, "sensitivity": ESTIMATE, "auc": ESTIMATE}
    none = {**few, "n": 0, "sensitivity": None, "auc": None}
    by_label = {**report["by_label"], "melanoma": few, "scar": none}
    rows = list(evaluation_sections({**report, "by_label": by_label}, {}))[2].splitlines()
    figures = "0.123 | 0.100 to 0.200"
    assert f"| Melanoma  (only 4: not reliable, not in the means) | {figures} | {figures} | 4 |" in rows
    assert "| Scar | not evaluated |  |  |  | 0 |" in rows
    assert any(row.startswith("| Melanocytic nevus | 0.") for row in rows)


def test_other_parts_are_listed_beside_the_test_part(report: dict[str, Any]) -> None:
    sections = list(evaluation_sections(report, {"train": ESTIMATE, "validation": None}))
    assert "| train | 0.123 | 0.100 to 0.200 | 40 |\n| validation | not evaluated |  | 0 |" in sections[4]


def test_a_subgroup_that_cannot_be_evaluated_has_no_empty_table(report: dict[str, Any]) -> None:
    text = "\n".join(evaluation_sections(report, {}))
    assert "| back |" in text and "No group has two such classes." not in text
    back = report["subgroups"]["site"]["back"]
    alone = {**report, "subgroups": {"site": {"back": {**back, "evaluated": back["evaluated"][:1]}}}}
    text = "\n".join(evaluation_sections(alone, {}))
    assert "| back |" not in text and text.rstrip().endswith("No group has two such classes.")


def test_without_subgroups_there_is_no_section_for_them(report: dict[str, Any]) -> None:
    assert len(list(evaluation_sections({**report, "subgroups": None}, {}))) == 5
