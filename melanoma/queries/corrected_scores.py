"""The view `scores`: the rows of the table, with the values that a manifest has corrected."""

from melanoma.queries.view import quoted
from melanoma.table.corrections import CORRECTED, NAME, Corrections

RAW, TABLE = "raw_scores", "_corrections"


def scores(corrections: Corrections, columns: list[str]) -> str:
    """Returns the statement that creates the view `scores` over the table `raw_scores`.

    Args:
        corrections: Registered as the table `_corrections`.
        columns: Columns of the score table.
    """
    replaced = [name for name in corrections.columns if name in columns]
    if not replaced or not corrections.rows.num_rows:
        return f"CREATE VIEW scores AS FROM {RAW}"
    values = ", ".join(
        f"CASE WHEN list_contains(c.{CORRECTED}, '{name.replace(chr(39), 2 * chr(39))}') THEN c.{quoted(name)}"
        f" ELSE s.{quoted(name)} END AS {quoted(name)}"
        for name in replaced
    )
    return f"""
        CREATE VIEW scores AS SELECT s.* REPLACE ({values}) FROM {RAW} s LEFT JOIN {TABLE} c ON s.{NAME} = c.{NAME}
    """  # noqa: S608 - the names are quoted
