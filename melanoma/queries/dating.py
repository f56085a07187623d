"""How views date photographs: by a kept column, or else by the time of the run that scored them."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.queries.view import ViewInput, quoted

_ROLE, _USUAL, _OF_RUNS = "date", "visit_date", "scored_at"
_USABLE = (
    *(pa.types.is_timestamp, pa.types.is_date),
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
)


@dataclass(frozen=True)
class Dating:
    """How photographs are dated.

    Attributes:
        column: Name of the column, as the table spells it.
        time: SQL of the time of a row, a timestamp without time zone; null where a text is not a date.
    """

    column: str
    time: str

    @property
    def is_of_visits(self) -> bool:
        """Whether the dates are those of the photographs, and not of the runs that scored them."""
        return self.column != _OF_RUNS


DATED_VIEWS = ("lesions", "patients", "over_time")


def check_dates(connection: duckdb.DuckDBPyConnection, given: ViewInput, view: str) -> None:
    """Checks that a column of text by which a view dates photographs holds a date.

    Args:
        connection: With the view `scores`.
        given: What the view was built from.
        view: Name of the view.

    Raises:
        UsageError: It holds texts, and none of them is a date.
    """
    dating = dating_for(given, view)
    texts, dates = connection.sql(
        f"SELECT count(nullif(trim(CAST({quoted(dating.column)} AS VARCHAR)), '')), count({dating.time}) FROM scores"  # noqa: S608
    ).fetchall()[0]
    if texts and not dates:
        raise UsageError(
            f"the view {view} needs dates, but none of {texts:,} values of the column {dating.column} is one; write "
            "them like 2026-03-31 in the manifest, or name another column with --date-column"
        )


def dating_for(given: ViewInput, view: str) -> Dating:
    """Returns how a view dates photographs: by the column for `date`, else `visit_date` if kept, else `scored_at`.

    Args:
        given: What the view is built from.
        view: Name of the view.

    Raises:
        UsageError: The column for `date` does not exist, or does not hold dates.
    """
    usual = given.find(_USUAL) or given.schema.field(_OF_RUNS)
    field = given.column_for(_ROLE, view) if _ROLE in given.roles else usual
    if pa.types.is_timestamp(field.type) and field.type.tz:
        return Dating(field.name, f"{quoted(field.name)} AT TIME ZONE 'UTC'")
    if any(check(field.type) for check in _USABLE):
        return Dating(field.name, f"TRY_CAST({quoted(field.name)} AS TIMESTAMP)")
    raise UsageError(
        f"the view {view} needs dates, but the column {field.name} holds {field.type}; name a column of dates, or of "
        "text such as 2026-03-31, with --date-column"
    )
