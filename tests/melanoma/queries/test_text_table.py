"""A result on the terminal: aligned, cut to a number of rows, and free of control characters."""

from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.queries.text_table import as_text
from melanoma.queries.views import query
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import SLUGS, commit, row

HOSTILE = "a\x1b[2Jb\nc\x07\u202ed\x9be\x7f"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    """A table in which a photograph and a kept column have names with control characters."""
    folder: Path = tmp_path_factory.mktemp("table") / "scores"
    kept = score_schema(SLUGS, pa.schema([(f"kept {HOSTILE}", pa.string())]))
    commit(folder, [row("a", **{f"kept {HOSTILE}": HOSTILE}), row(HOSTILE, top_label="melanoma")], kept)
    return table_in(folder)


def test_numbers_are_right_aligned_and_text_is_left_aligned() -> None:
    result = pa.table(
        {
            "top_label": ["nevus", None],
            "n": [5, 12345],
            "p": pa.array([0.123456, None], pa.float32()),
            "flag": [True, None],
        }
    )
    assert as_text(result).split("\n") == [
        "top_label      n       p  flag",
        "---------  -----  ------  ----",
        "nevus          5  0.1235  True",
        "-          12345       -  -",
    ]


def test_a_long_result_says_how_many_rows_are_not_shown() -> None:
    result = pa.table({"n": range(1234)})
    lines = as_text(result).split("\n")
    assert len(lines) == 53 and lines[-2:] == ["49", "… and 1,184 more rows"]
    assert as_text(result.slice(0, 50)).split("\n")[-1] == "49"
    assert as_text(result, max_rows=2).split("\n") == ["n", "-", "0", "1", "… and 1,232 more rows"]


def test_a_result_without_rows_differs_from_no_result(hostile: ScoreTable) -> None:
    assert as_text(query(hostile, "SELECT 1 AS n WHERE false")) == "n\n-"
    assert as_text(query(hostile, "")) == as_text(query(hostile, " ; ")) == "(no result)"


def test_columns_with_the_same_name_are_all_shown(hostile: ScoreTable) -> None:
    shown = as_text(query(hostile, "SELECT 1 AS a, 2 AS a, count(*), count(*) FROM scores"))
    assert shown.split("\n")[-1].split() == ["1", "2", "2", "2"]


def test_control_characters_are_never_printed(hostile: ScoreTable) -> None:
    for sql in (
        "FROM scores",
        "SELECT image_uri, {'a': image_id}, [image_id] FROM scores",
        f'SELECT 1 AS "{HOSTILE}"',
    ):
        shown = as_text(query(hostile, sql))
        assert all(line.isprintable() for line in shown.split("\n"))
        assert "\N{REPLACEMENT CHARACTER}" in shown or "\\x1b" in shown
    with pytest.raises(UsageError) as caught:
        query(hostile, f'FROM scores ORDER BY "{HOSTILE}"')
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    assert "Müller 黒色腫" in as_text(query(hostile, "SELECT 'Müller 黒色腫'"))
