"""Tables with a column for each class, of which one holds 1 in each row."""

from collections.abc import Mapping, Sequence

from melanoma.errors import DataError

_WORDS = {"": 0.0, "false": 0.0, "true": 1.0}


def read_one_hot(text: Mapping[str, Sequence[str]], columns: Sequence[str], uri: str) -> list[str]:
    """Returns the column that holds 1 in each row, empty where none does.

    Args:
        text: The columns, as text: 0 and 1 in any spelling, `true` and `false`, or empty for 0.
        columns: Names of the columns of classes.
        uri: The table, for error messages.

    Raises:
        DataError: A row has several classes, or another value in the column of a class.
    """
    try:
        values = [[_number(cell) for cell in text[column]] for column in columns]
    except ValueError:
        values = [[-1.0]]
    if any(value not in (0.0, 1.0) for column in values for value in column):
        raise DataError(
            f"{uri}: columns {', '.join(columns)} hold other values than 0 and 1; expected one 1 in each row"
        )
    rows = list(zip(*values, strict=True))
    if several := sum(sum(row) > 1 for row in rows):
        raise DataError(
            f"{uri}: {several} of {len(rows)} rows have 1 in several of the columns {', '.join(columns)}; expected one "
            "class for each photograph, correct or remove these rows"
        )
    return [columns[row.index(1.0)] if 1.0 in row else "" for row in rows]


def _number(cell: str) -> float:
    word = cell.lower()
    return _WORDS[word] if word in _WORDS else float(word.replace(",", "."))
