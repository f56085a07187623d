"""A card names every figure that a precision has made worse by more than half the width of its interval."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from melanoma.model.decision import ModelOutput
from melanoma.training.release.measuring import Measured
from melanoma.training.release.precision_text import precision_section


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02, "n": 4}


@pytest.fixture
def before() -> Measured:
    report: dict[str, Any] = {
        "labels": ["melanoma", "nevus"],
        "balanced_accuracy": estimate(0.8),
        "log_loss": estimate(0.5),
        "by_label": {"melanoma": {"auc": estimate(0.9)}},
        "flag_melanoma": {"sensitivity": estimate(0.95), "specificity": estimate(0.6)},
        "calibration": {"error": estimate(0.03)},
    }
    output = ModelOutput(np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]], np.float32))
    return Measured(1.0, {"melanoma": 0.35}, {}, {}, None, report, (), output, output)


def changed(measured: Measured, figure: str, value: float) -> Measured:
    report = copy.deepcopy(dict(measured.report))
    if figure == "auc":
        report["by_label"]["melanoma"]["auc"] = estimate(value)
    else:
        report[figure] = estimate(value)
    return replace(measured, report=report)


def test_the_same_figures_are_no_loss(before: Measured) -> None:
    first, rows, verdict = precision_section("bf16", before, "f32", before)
    assert "Of the 4 photographs of the test part, 0 have another most probable class and 0 another" in first
    assert "differs by at most 0.000" in first
    assert "| balanced accuracy | 0.800 (0.780 to 0.820" in rows and "| calibration error |" in rows
    assert verdict == "No figure that could be measured is worse by more than half the width of its interval."


def test_other_classes_and_flags_are_counted_under_each_ones_thresholds(before: Measured) -> None:
    moved = ModelOutput(np.array([[0.9, 0.1], [0.4, 0.6], [0.32, 0.68], [0.1, 0.9]], np.float32))
    first, *_ = precision_section(
        "bf16", replace(before, test_output=moved, thresholds={"melanoma": 0.31}), "f32", before
    )
    assert "1 have another most probable class and 1 another melanoma flag" in first
    assert "differs by at most 0.200" in first


@pytest.mark.parametrize(
    ("figure", "worse", "better", "words"),
    [
        ("balanced_accuracy", 0.77, 0.9, "balanced accuracy"),
        ("auc", 0.87, 0.99, "AUC of melanoma"),
        ("log_loss", 0.53, 0.4, "log loss"),
    ],
)
def test_a_loss_beyond_half_an_interval_is_named_and_a_gain_is_not(
    before: Measured, figure: str, worse: float, better: float, words: str
) -> None:
    verdict = precision_section("bf16", changed(before, figure, worse), "f32", before)[-1]
    assert verdict == f"Worse by more than half the width of the interval: {words}."
    assert precision_section("bf16", changed(before, figure, better), "f32", before)[-1].startswith("No figure")
