"""Types for columns of text: what every value of a column can be read as without losing anything."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

_WHOLE = r"(?:0|-?[1-9]\d{0,17})"  # no leading zeros, which belong to ids, and at most 18 digits, which fit 64 bits
_NUMBER = r"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?"
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DATE}[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,6}})?)?"
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})"
_TRUTH = r"(?i:true|false)"


class _Reading(NamedTuple):
    """A type, and the pattern of the text that may be read as it."""

    type: pa.DataType
    pattern: str


_READINGS = (
    _Reading(pa.bool_(), _TRUTH),
    _Reading(pa.int64(), _WHOLE),
    _Reading(pa.float64(), _NUMBER),
    _Reading(pa.date32(), _DATE),
    _Reading(pa.timestamp("us"), _TIME),
    _Reading(pa.timestamp("us", "UTC"), _TIME + _ZONE),
)


class Misfit(NamedTuple):
    """A value that cannot be read as the type of its column.

    Attributes:
        row: Its place in the column, from 0.
        expected: What was expected, for an error message.
    """

    row: int
    expected: str


def fitting_type(column: pa.ChunkedArray) -> pa.DataType:
    """Returns the type that fits every value of a column of text.

    Args:
        column: Text, nulls allowed.

    Returns:
        Boolean (`true` and `false`), int64, double, date, timestamp without or with a time zone; else string, also
        for a column of nulls. Numbers with leading zeros or an exponent are text: they may be ids.
    """
    values = pc.unique(column).drop_null()
    if len(values):
        for reading in _READINGS:
            if misfit(values, reading.type, reading.pattern) is None:
                return reading.type
    return pa.string()


def misfit(values: pa.Array | pa.ChunkedArray, type_: pa.DataType, pattern: str | None = None) -> Misfit | None:
    """Returns the first value that cannot be read as a type; None if all can be.

    Args:
        values: Text, nulls allowed.
        type_: Type to read them as.
        pattern: Pattern that each must match; None for the usual one of the type.
    """
    if pa.types.is_string(type_):
        return None
    found = pattern or _pattern_of(type_)
    matches = pc.fill_null(pc.match_substring_regex(values, f"^(?:{found})$"), True)
    if (row := pc.index(matches, False).as_py()) >= 0:
        return Misfit(row, _described(type_))
    try:
        values.cast(type_)
    except pa.ArrowInvalid:  # such as the 31st of February
        return Misfit(
            next(row for row in range(len(values)) if not _is_castable(values, row, type_)), _described(type_)
        )
    return None


def _is_castable(values: pa.Array | pa.ChunkedArray, row: int, type_: pa.DataType) -> bool:
    try:
        values.slice(row, 1).cast(type_)
    except pa.ArrowInvalid:
        return False
    return True


def _pattern_of(type_: pa.DataType) -> str:
    """Returns the pattern of text for a column that has a type already, so that ids need not be feared."""
    if pa.types.is_timestamp(type_):
        return _TIME + _ZONE if type_.tz else rf"{_TIME}|{_DATE}"
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
    return next((reading.pattern for reading in _READINGS if reading.type == type_), _WHOLE)


def _described(type_: pa.DataType) -> str:
    words = {
        pa.bool_(): "true or false",
        pa.date32(): "a date such as 2026-01-31",
        pa.timestamp("us"): "a time such as 2026-01-31T08:30:00",
        pa.timestamp("us", "UTC"): "a time with its zone such as 2026-01-31T08:30:00Z",
    }
    if type_ in words:
        return words[type_]
    return "a whole number without leading zeros" if pa.types.is_integer(type_) else "a number such as 1.5"
