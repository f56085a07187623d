"""The values of a column become a few subgroups."""

from collections import Counter

import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.bins import bin_values


def test_ages_become_bands_and_blanks_are_unknown() -> None:
    ages = ["0.0", "29", "29.5", "30", "44.9", "45", "59", "60", "74", "75", "85.0", ""]
    bands = ["0-29"] * 3 + ["30-44"] * 2 + ["45-59"] * 2 + ["60-74"] * 2 + ["75+"] * 2 + ["unknown"]
    assert bin_values("age", ages).tolist() == bands
    assert bin_values("Age_Approx", ["5", "5"]).tolist() == ["0-29", "0-29"]


def test_texts_stay_as_they_are() -> None:
    assert bin_values("sex", ["male", "", "female"]).tolist() == ["male", "unknown", "female"]
    assert bin_values("sex", ["", ""]).tolist() == ["unknown", "unknown"]
    assert bin_values("age", ["30", "thirty"]).tolist() == ["30", "thirty"]


def test_without_photographs_there_are_no_subgroups() -> None:
    assert bin_values("age", []).tolist() == []


@pytest.mark.parametrize(("count", "is_binned"), [(12, False), (13, True)])
def test_more_than_twelve_different_numbers_are_binned(count: int, is_binned: bool) -> None:
    values = [str(number) for number in range(count)]
    assert (bin_values("size_mm", values).tolist() != values) is is_binned


def test_few_numbers_stay_as_they_are_however_they_are_written() -> None:
    assert bin_values("fitzpatrick", ["1.0", "6", "1", ""]).tolist() == ["1", "6", "1", "unknown"]


def test_many_numbers_become_quarters() -> None:
    quarters = bin_values("size_mm", [str(number) for number in range(100)])
    assert Counter(quarters.tolist()) == {
        "below 24.75": 25,
        "24.75 to below 49.5": 25,
        "49.5 to below 74.25": 25,
        "74.25+": 25,
    }


def test_quarters_count_every_photograph_and_not_every_value() -> None:
    values = ["1.5"] * 60 + [str(number) for number in range(40)]
    quarters = bin_values("size_mm", values)
    # Three quarters of the photographs lie below 14.25, so the two lower edges fall together at 1.5.
    assert Counter(quarters.tolist()) == {"below 1.5": 2, "1.5 to below 14.25": 73, "14.25+": 25}
    assert np.quantile([float(value) for value in values], 0.75) == 14.25


def test_whole_edges_make_names_of_whole_numbers() -> None:
    quarters = set(bin_values("years", [str(number) for number in range(41)]).tolist())
    assert quarters == {"0-9", "10-19", "20-29", "30+"}


def test_a_column_with_too_many_texts_is_refused() -> None:
    with pytest.raises(UsageError, match="--by patient: 41 different values, at most 40 can be compared"):
        bin_values("patient", [f"p{number}" for number in range(41)])
    assert len(set(bin_values("site", [f"p{number}" for number in range(40)]).tolist())) == 40


def test_numbers_that_are_not_finite_are_texts() -> None:
    assert bin_values("age", ["nan", "inf", "30"]).tolist() == ["nan", "inf", "30"]


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "unknown", ""])
def test_a_word_for_no_value_among_numbers_is_unknown(word: str) -> None:
    assert bin_values("age", ["80.0", word, "20"]).tolist() == ["75+", "unknown", "0-29"]
    assert bin_values("site", ["back", "none"]).tolist() == ["back", "none"]


def test_numbers_may_have_a_decimal_comma() -> None:
    assert bin_values("age", ["44,5", "45,0", "7"]).tolist() == ["30-44", "45-59", "0-29"]
    assert bin_values("count", ["1,000", "2"]).tolist() == ["1,000", "2"]
