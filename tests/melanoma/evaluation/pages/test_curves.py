"""Chapters with charts: calibration, and ROC and precision-recall curves."""

import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.curves import calibration, curves
from melanoma.evaluation.report import Report
from tests.helpers.html_reader import HtmlReader
from tests.helpers.predictions import predictions_of, random_predictions


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(random_predictions(120), seed=0)


def test_calibration_shows_the_most_likely_class_and_melanoma(report: Report) -> None:
    found = HtmlReader(calibration(report))
    assert found.headings == ["Calibration"]
    assert found.tags.count("svg") == 2
    for part in (report["calibration"], report["calibration"]["melanoma"]):
        assert f"calibration error {part['error']['value']:.3f}" in found.text
        assert f"perfect probabilities: {part['perfect']['mean']:.3f}" in found.text
    assert found.tags.count("circle") == sum(
        len(part["bins"]) for part in (report["calibration"], report["calibration"]["melanoma"])
    )


def test_calibration_without_melanomas_has_one_diagram() -> None:
    found = evaluate(predictions_of([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]] * 10, [1, 2] * 10), seed=0)
    assert HtmlReader(calibration(found)).tags.count("svg") == 1


def test_calibration_without_photographs_is_left_out() -> None:
    assert calibration({"calibration": None}) == ""


def test_every_class_has_two_curves_with_the_decision_rule_on_them(report: Report) -> None:
    found = HtmlReader(curves(report))
    assert found.headings == ["ROC and precision-recall curves"]
    assert found.tags.count("figure") == 3
    assert found.tags.count("svg") == 6
    assert found.values("class").count("other") == 6
    melanoma = report["by_label"]["melanoma"]
    cx = 48 + 220 * (1 - melanoma["specificity"]["value"])
    assert f"{cx:.1f}" in found.values("cx")
    assert f"n = {melanoma['n']}, AUC {melanoma['auc']['value']:.3f}" in found.text


def test_a_class_that_the_rule_never_chooses_has_no_dot_on_its_precision_curve() -> None:
    p = [[0.45, 0.55, 0.0]] * 10 + [[0.1, 0.9, 0.0]] * 10
    found = HtmlReader(curves(evaluate(predictions_of(p, [0] * 10 + [1] * 10), seed=0)))
    assert found.tags.count("figure") == 2
    assert found.values("class").count("other") == 3


def test_a_single_class_has_no_curve() -> None:
    found = HtmlReader(curves(evaluate(predictions_of([[0.8, 0.1, 0.1]] * 5, [0] * 5), seed=0)))
    assert "svg" not in found.tags
