"""Columns of text get a type only where every value fits it and nothing is lost."""

import pyarrow as pa
import pytest

from melanoma.storage.column_types import Misfit, fitting_type, misfit

TIME, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["61", None, "-7", "0"], pa.int64()),
        (["999999999999999999"], pa.int64()),
        (["9999999999999999999"], pa.string()),  # needs more than 64 bits
        (["061", "62"], pa.string()),
        (["-0"], pa.float64()),
        (["+1"], pa.string()),
        (["1,5"], pa.string()),
        (["1.5", "2"], pa.float64()),
        (["0.5", "-0.25"], pa.float64()),
        ([".5"], pa.string()),
        (["01.5"], pa.string()),
        (["1e3", "2e5"], pa.string()),  # may be ids
        (["1234567890123456.5"], pa.string()),  # a double has 15 digits
        (["nan"], pa.string()),
        (["1.2.840"], pa.string()),
        (["2026-01-31", None], pa.date32()),
        (["2026-02-30"], pa.string()),
        (["2026-1-3"], pa.string()),
        (["31.01.2026"], pa.string()),
        (["20260131"], pa.int64()),
        (["2026-01-31T08:30:00", "2026-01-31 08:30"], TIME),
        (["2026-01-31T08:30:00.123456"], TIME),
        (["2026-01-31T08:30:00Z", "2026-01-31T08:30:00+02:00"], INSTANT),
        (["2026-01-31T08:30:00Z", "2026-01-31T08:30:00"], pa.string()),
        (["2026-01-31T25:00:00"], pa.string()),
        (["true", "FALSE", "True"], pa.bool_()),
        (["true", "yes"], pa.string()),
        (["1", "true"], pa.string()),
        ([" 61"], pa.string()),
        (["61\n"], pa.string()),
        (["٣"], pa.string()),
        ([None], pa.string()),
        ([], pa.string()),
    ],
)
def test_the_type_fits_every_value(values: list[str | None], expected: pa.DataType) -> None:
    column = pa.chunked_array([pa.array(values, pa.string())])
    assert fitting_type(column) == expected
    assert misfit(column, expected) is None
    assert column.cast(expected).null_count == values.count(None)


@pytest.mark.parametrize(
    ("values", "type_", "row"),
    [
        (["1", None, "x"], pa.int64(), 2),
        (["1", "007"], pa.int32(), 1),
        (["1", "3000000000"], pa.int32(), 1),
        (["1.5", "1e3", "x"], pa.float32(), 2),
        (["2026-01-31", "2026-02-30"], pa.date32(), 1),
        (["2026-01-31", "2026-01-31T08:30", "x"], TIME, 2),
        (["2026-01-31T08:30"], INSTANT, 0),
        (["true", "maybe"], pa.bool_(), 1),
        (["1.25", "1.255"], pa.decimal128(5, 2), 1),
    ],
)
def test_the_first_value_that_does_not_fit_a_known_type_is_found(
    values: list[str | None], type_: pa.DataType, row: int
) -> None:
    found = misfit(pa.chunked_array([pa.array(values)]), type_)
    assert isinstance(found, Misfit) and found.row == row and found.expected
    assert misfit(pa.chunked_array([pa.array(values[:row], pa.string())]), type_) is None
    assert misfit(pa.chunked_array([pa.array(values)]), pa.string()) is None
