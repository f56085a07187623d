"""The schema of the score table."""

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.table.schema import COLUMNS, SCHEMA_VERSION, score_schema
from tests.helpers.score_rows import SLUGS


def test_this_version_of_the_schema_has_these_columns() -> None:
    """A change of a column needs another SCHEMA_VERSION, so that rows staged before are not mixed with new ones."""
    promised = [f"{column.name} {column.type} {column.nullable}" for column in COLUMNS]
    assert (SCHEMA_VERSION, len(promised)) == (1, 20)
    assert promised[0] == "image_id string False" and promised[-1] == "model_id string False"


def test_a_kept_column_must_not_have_the_name_of_a_column_of_the_table() -> None:
    for name in ("status", "model_id", "p_melanoma", "p_anything"):
        with pytest.raises(UsageError, match=f"--keep {name}: the score table has a column of that name"):
            score_schema(SLUGS, pa.schema([(name, pa.string())]))


@pytest.mark.parametrize("name", ["Status", "IMAGE_URI", "P_Nevus"])
def test_names_that_differ_in_case_alone_are_one_name(name: str) -> None:
    """Delta Lake and DuckDB ignore case."""
    with pytest.raises(UsageError, match=f"--keep {name}: the score table has a column of that name"):
        score_schema(["nevus"], pa.schema([(name, pa.string())]))
