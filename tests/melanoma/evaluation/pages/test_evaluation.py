"""The page of an evaluation shows what the JSON report holds, and hostile names are harmless."""

import json
from dataclasses import replace

import numpy as np
import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.evaluation import page
from melanoma.evaluation.report import Report
from tests.helpers.html_reader import read_page
from tests.helpers.predictions import accounting, random_predictions

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\"'&"


@pytest.fixture(scope="module")
def report() -> Report:
    """A report as a program would read it, with hostile names of a class, a column and a subgroup."""
    flags = random_predictions(200).probabilities[:, 0] > 0.4
    sex = np.where(np.arange(200) < 30, HOSTILE, "male")
    predictions = random_predictions(200, per_group=2, flagged=flags, review=~flags, subgroups={HOSTILE: sex})
    predictions = replace(predictions, slugs=("melanoma", "nevus", HOSTILE))
    return json.loads(json.dumps(evaluate(predictions, seed=0)))  # type: ignore[no-any-return]


def test_chapters_follow_each_other(report: Report) -> None:
    found = read_page(page(report, "An evaluation"))
    assert found.headings == [
        "An evaluation",
        "Metrics by class",
        "Confusion matrix",
        "Calibration",
        "ROC and precision-recall curves",
        "Subgroups",
        "<img src=x onerror=alert(1)>\N{REPLACEMENT CHARACTER}[2J\"'&",
        "How to read this page",
    ]
    assert "200 photographs of 100 lesions or patients, 3 classes with 10 photographs or more." in found.text
    assert "1,000 bootstrap resamples" in found.text and "(seed 0)" in found.text


def test_every_metric_is_on_the_page_with_its_interval(report: Report) -> None:
    text = read_page(page(report, "An evaluation")).text
    estimates = [report[name] for name in ("balanced_accuracy", "accuracy", "macro_auc", "brier")]
    estimates += [metrics[name] for metrics in report["by_label"].values() for name in ("auc", "sensitivity", "ppv")]
    for estimate in estimates:
        assert f"{estimate['value']:.3f}" in text
        assert f"{estimate['low']:.3f} to {estimate['high']:.3f}" in text


def test_hostile_names_stay_text_wherever_they_appear(report: Report) -> None:
    found = read_page(page(report, HOSTILE, notes=[HOSTILE]))
    # Title (twice), note, column, subgroup, and the class in tables, matrix (twice) and figure.
    assert found.text.count("<img src=x onerror=alert(1)>") >= 9
    assert "\N{REPLACEMENT CHARACTER}[2J" in found.text


def test_notes_are_warnings(report: Report) -> None:
    plain, noted = (read_page(page(report, "x", notes)) for notes in ((), ("Be careful.",)))
    assert noted.values("class").count("warning") == plain.values("class").count("warning") + 1


def test_the_page_accounts_for_every_photograph(report: Report) -> None:
    found = read_page(page({**report, "data": accounting(labels_contradictory=17)}, "x"))
    assert "What was evaluated" in found.headings
    assert "Ids with several different labels, left out: 17." in found.text


@pytest.mark.parametrize("n", [0, 1, 12])
def test_a_page_of_few_photographs_is_well_formed(n: int) -> None:
    found = read_page(page(evaluate(random_predictions(300).where(np.arange(300) < n), seed=0), "Few"))
    assert ("1 photograph of 1 lesion or patient," if n == 1 else f"{n} photographs of {n} lesions") in found.text
    assert ("Calibration" in found.headings) is (n > 0)
