"""Columns as few subgroups."""

from collections import Counter

import pytest

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.bins import banded


def test_ages_fall_into_bands_and_blanks_are_unknown() -> None:
    ages = ["0.0", "29", "29.5", "30", "44.9", "45", "59", "60", "74", "75", "85.0", ""]
    bands = ["0-29"] * 3 + ["30-44"] * 2 + ["45-59"] * 2 + ["60-74"] * 2 + ["75+"] * 2 + ["unknown"]
    assert banded("age", ages).tolist() == bands
    assert banded("Age_Approx", ["5", "5"]).tolist() == ["0-29", "0-29"]


def test_texts_stay_as_they_are() -> None:
    assert banded("sex", ["male", "", "female"]).tolist() == ["male", "unknown", "female"]
    assert banded("sex", ["", ""]).tolist() == ["unknown", "unknown"]
    assert banded("age", ["30", "thirty"]).tolist() == ["30", "thirty"]


def test_few_numbers_stay_as_they_are_and_many_fall_into_quarters() -> None:
    assert banded("fitzpatrick", ["1.0", "6", ""]).tolist() == ["1", "6", "unknown"]
    quarters = banded("size_mm", [str(number) for number in range(100)])
    assert Counter(quarters.tolist()) == {
        "below 24.75": 25,
        "24.75 to below 49.5": 25,
        "49.5 to below 74.25": 25,
        "74.25+": 25,
    }


def test_a_column_of_names_makes_no_subgroups() -> None:
    with pytest.raises(UsageError, match="--by patient: 41 different values, at most 40"):
        banded("patient", [f"p{number}" for number in range(41)])
    assert len(set(banded("site", [f"p{number}" for number in range(40)]).tolist())) == 40


def test_numbers_without_end_are_texts() -> None:
    assert banded("age", ["nan", "inf", "30"]).tolist() == ["nan", "inf", "30"]
