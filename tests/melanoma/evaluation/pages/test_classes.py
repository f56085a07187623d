"""Chapters about each class: its metrics, the confusion matrix, the ISIC challenge metrics."""

import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.classes import challenge_metrics, class_metrics, confusion_matrix
from melanoma.evaluation.report import Report
from tests.helpers.html_reader import HtmlReader
from tests.helpers.predictions import predictions_of


@pytest.fixture(scope="module")
def report() -> Report:
    """Twelve melanomas, eleven nevi and no basal cell carcinoma, though three photographs are predicted to be one."""
    p = [[0.8, 0.1, 0.1]] * 9 + [[0.2, 0.1, 0.7]] * 3 + [[0.1, 0.7, 0.2]] * 11
    return evaluate(predictions_of(p, [0] * 12 + [1] * 11), seed=0)


def test_every_class_has_a_row_of_metrics(report: Report) -> None:
    found = HtmlReader(class_metrics(report))
    assert found.headings == ["Metrics by class"]
    head, melanoma, nevus, carcinoma = found.rows
    assert head == ["class", "n", "AUC", "sensitivity", "specificity", "PPV", "NPV", "Dice", "AP", "AUC above 80 %"]
    assert melanoma[:2] == ["Melanoma", "12"]
    assert melanoma[3].startswith("0.750")
    assert nevus[3].startswith("1.000")
    assert carcinoma == ["Basal cell carcinoma not evaluated", "0", "–", "–", *carcinoma[4:7], "–", "–", "–"]
    assert carcinoma[5].startswith("0.000")


def test_the_confusion_matrix_shows_counts_and_row_shares(report: Report) -> None:
    found = HtmlReader(confusion_matrix(report))
    assert found.headings == ["Confusion matrix"]
    assert found.rows == [
        ["labelled \\ chosen", "Melanoma", "Melanocytic nevus", "Basal cell carcinoma"],
        ["Melanoman = 12", "975%", "00%", "325%"],
        ["Melanocytic nevusn = 11", "00%", "11100%", "00%"],
    ]


def test_the_challenge_metrics_have_a_row_for_each_class_with_labels_and_a_mean(report: Report) -> None:
    found = HtmlReader(challenge_metrics(report))
    assert [row[0] for row in found.rows] == ["class", "Melanoma", "Melanocytic nevus", "mean"]
    sensitivity = found.rows[0].index("sensitivity")
    assert [row[sensitivity] for row in found.rows[1:]] == ["0.750", "1.000", "0.875"]
    assert "over the classes that occur: 0.875." in found.text
    assert found.tags[:2] == ["details", "summary"]


def test_a_single_class_has_no_challenge_table() -> None:
    found = HtmlReader(challenge_metrics(evaluate(predictions_of([[0.8, 0.1, 0.1]] * 5, [0] * 5), seed=0)))
    assert found.rows == [["class"]]
    assert "1.000." in found.text
