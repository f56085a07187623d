"""The views `lesions` and `patients`: what the current model says about all photographs of one of them."""

from collections.abc import Sequence

from melanoma.queries.dating import dating_for
from melanoma.queries.view import ViewInput, is_filled, literal, quoted

_OF_ALL = ("flag_melanoma", "review", "scored_at")
_OF_NEWEST = ("image_id", "image_uri", "top_label", "top_probability")


def lesions(given: ViewInput) -> str:
    """Returns the SQL of `lesions`: one row per lesion, over the view `current`.

    Raises:
        UsageError: The table lacks the column of lesions, or the column of dates cannot be used.
    """
    return _grouped(given, given.column_for("lesion", "lesions").name, "lesions")


def patients(given: ViewInput) -> str:
    """Returns the SQL of `patients`: one row per patient, over the view `current`, with the number of lesions.

    The number is null where the table has no column of lesions.

    Raises:
        UsageError: The table lacks the column of patients, or the column of dates cannot be used.
    """
    lesion = given.find(given.roles["lesion"])
    count = "CAST(NULL AS BIGINT)" if lesion is None else "count(DISTINCT _lesion)"
    return _grouped(given, given.column_for("patient", "patients").name, "patients", [f"{count} AS lesions"])


def _grouped(given: ViewInput, column: str, view: str, first: Sequence[str] = ()) -> str:
    """Returns the SQL of a view with one row for each value of a column, with the columns `first` behind it."""
    dating = dating_for(given, view)
    newest = [*_OF_NEWEST, *given.probabilities]
    fields = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in newest)
    columns = [
        f"_group AS {quoted(column)}",
        *first,
        "count(*) AS photographs",
        "CAST(min(_time) AS DATE) AS first_date",
        "CAST(max(_time) AS DATE) AS last_date",
        f"{literal(dating.column)} AS dated_by",
        "CAST(sum(CAST(flag_melanoma AS INT)) AS BIGINT) AS flagged",
        "CAST(sum(CAST(review AS INT)) AS BIGINT) AS to_review",
        *(statistic for name in given.probabilities for statistic in _statistics(name)),
        f"arg_max(struct_pack({fields}), (coalesce(_time, '-infinity'), scored_at, image_uri)) AS _newest",
    ]
    unpacked = ", ".join(f"_newest.{quoted(name)} AS {quoted(f'newest_{name}')}" for name in newest)
    return (
        f"SELECT * EXCLUDE (_newest), {unpacked} FROM (SELECT {', '.join(columns)} "  # noqa: S608 - names are quoted
        f"FROM ({_photographs(given, column, dating.time)}) GROUP BY _group)"
    )


def _photographs(given: ViewInput, column: str, time: str) -> str:
    """Returns the SQL of what is needed of each photograph, so that no other kept column is in the way."""
    lesion = given.find(given.roles["lesion"])
    read = ", ".join(map(quoted, (*_OF_NEWEST, *_OF_ALL, *given.probabilities)))
    return (
        f"SELECT {quoted(column)} AS _group, {'NULL' if lesion is None else quoted(lesion.name)} AS _lesion, "  # noqa: S608
        f"{time} AS _time, {read} FROM current WHERE {is_filled(column)}"
    )


def _statistics(name: str) -> list[str]:
    """Returns the columns about one probability: maximum, mean, and the distance of the maximum from the minimum."""
    value = f"CAST({quoted(name)} AS DOUBLE)"
    return [
        f"max({quoted(name)}) AS {quoted(f'max_{name}')}",
        f"avg({value}) AS {quoted(f'mean_{name}')}",
        f"max({value}) - min({value}) AS {quoted(f'spread_{name}')}",
    ]
