"""Names of columns of the score table for people."""

from melanoma.labels import name_of
from melanoma.table.schema import PROBABILITY_PREFIX


def column_name(column: str) -> str:
    """Returns the name of a column of probabilities, or of the out-of-distribution score, for people."""
    if not column.startswith(PROBABILITY_PREFIX):
        return "Out-of-distribution score"
    return name_of(column.removeprefix(PROBABILITY_PREFIX))
