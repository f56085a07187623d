"""Metrics as text."""

import pytest

from melanoma.evaluation.formatting import (
    METRICS,
    class_counts,
    few_photographs,
    interval,
    number,
    signed,
    with_interval,
)

ESTIMATE = {"value": 0.12345, "low": 0.1, "high": 0.2, "n": 12_345}
DIFFERENCE = {"value": -0.01, "low": -0.0305, "high": 0.0, "n": 7}


def test_metrics_have_three_decimals() -> None:
    assert number(ESTIMATE) == number(0.12345) == "0.123"
    assert number(0) == "0.000"
    assert with_interval(ESTIMATE) == "0.123 (0.100 to 0.200)"


def test_an_interval_shows_the_number_of_photographs_without_a_line_break() -> None:
    assert interval(ESTIMATE) == "95 %: 0.100 to 0.200, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}12,345"


def test_a_difference_shows_its_sign() -> None:
    assert signed(DIFFERENCE) == "-0.010 (-0.030 to +0.000)"
    assert signed({"value": 0.25, "low": -0.5, "high": 1.0}) == "+0.250 (-0.500 to +1.000)"


def test_an_undefined_metric_is_never_a_number() -> None:
    for text in (number(None), interval(None), with_interval(None), signed(None)):
        assert text and not any(character.isdigit() for character in text)
    assert interval(None) == "not enough photographs"


def test_classes_are_named_with_their_counts() -> None:
    assert class_counts({"benign_keratosis": 1099, "odd_class": 1}) == "benign keratosis (1,099), odd class (1)"
    assert class_counts({}) == ""


@pytest.mark.parametrize("name", METRICS)
def test_errors_are_better_low_and_all_other_metrics_high(name: str) -> None:
    is_error = name in ("calibration_error", "brier")
    assert METRICS[name].better == ("lower is better" if is_error else "higher is better")
    assert METRICS[name].name.replace("Brier score", "brier").replace(" ", "_").lower()


def test_few_photographs_are_a_warning_beside_their_figures() -> None:
    assert few_photographs({"n": 4, "evaluated": False}) == "  (only 4: not reliable, not in the means)"
    assert few_photographs({"n": 40, "evaluated": True}) == few_photographs({"n": 0, "evaluated": False}) == ""
    assert few_photographs({"n": 40}) == "", "a comparison of an earlier version has only classes that are evaluated"
