"""Rows of old runs are deleted; the newest ones, and what counts, stay."""

import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.table.corrections import SCHEMA, Corrections
from melanoma.table.deletion import OldRows
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row

FIRST, SECOND = "m-000000000001", "m-000000000002"
NEW_YEAR = datetime.date(2025, 1, 1)


def on(year: int, name: str, model: str = FIRST) -> dict[str, object]:
    values = {"run_id": f"{year}0102T000000Z-00000000", "run_date": datetime.date(year, 1, 2), "model_id": model}
    return row(name, **values)


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    """Two models over three years: `a` was scored again, `b` only by the first model, `new` not before 2025."""
    for year, rows in {
        2023: [on(2023, "a"), on(2023, "b")],
        2024: [on(2024, "a"), on(2024, "a", SECOND), on(2024, "b", SECOND)],
        2025: [on(2025, "a", FIRST), on(2025, "new", SECOND)],
    }.items():
        commit(tmp_path, rows, run_id=str(year))
    return table_in(tmp_path)


def left(table: ScoreTable) -> list[tuple[int, str, str]]:
    rows = table_in(table.layout.name).rows(["run_date", "image_id", "model_id"]).to_pylist()
    return sorted((found["run_date"].year, found["image_id"].removeprefix("DOE-"), found["model_id"]) for found in rows)


def test_rows_before_a_date_are_counted_with_the_photographs_that_then_have_none(table: ScoreTable) -> None:
    assert table.rows_before(NEW_YEAR) == OldRows(NEW_YEAR, None, rows=5, photographs=2)  # a by the second model, b
    assert table.rows_before(NEW_YEAR, FIRST) == OldRows(NEW_YEAR, FIRST, rows=3, photographs=1)
    assert table.rows_before(NEW_YEAR, SECOND) == OldRows(NEW_YEAR, SECOND, rows=2, photographs=2)
    assert table.rows_before(datetime.date(2023, 1, 2)) == OldRows(datetime.date(2023, 1, 2), None, 0, 0)
    assert table.rows_before(datetime.date(2023, 1, 3)).rows == 2  # the day itself is not before it


def test_rows_of_all_models_before_a_date_are_deleted(table: ScoreTable) -> None:
    assert table.delete_before(NEW_YEAR).rows == 5
    assert left(table) == [(2025, "a", FIRST), (2025, "new", SECOND)]
    assert table.delete_before(NEW_YEAR) == OldRows(NEW_YEAR, None, 0, 0)


def test_rows_of_one_model_before_a_date_are_deleted(table: ScoreTable) -> None:
    assert table.delete_before(NEW_YEAR, SECOND) == OldRows(NEW_YEAR, SECOND, 2, 2)
    assert left(table) == [(2023, "a", FIRST), (2023, "b", FIRST), (2024, "a", FIRST), (2025, "a", FIRST),
                           (2025, "new", SECOND)]  # fmt: skip


def test_the_model_that_counts_stays_the_same_without_its_first_rows(tmp_path: Path) -> None:
    """It counted as the first one in the table, which it no longer is."""
    commit(tmp_path, [on(2023, "a", SECOND)], run_id="one")
    commit(tmp_path, [on(2024, "a", FIRST)], run_id="two")
    commit(tmp_path, [on(2025, "a", SECOND)], run_id="three")
    assert table_in(tmp_path).promoted() == SECOND
    table_in(tmp_path).delete_before(datetime.date(2023, 6, 1))
    assert table_in(tmp_path).promoted() == SECOND and left(table_in(tmp_path))[0] == (2024, "a", FIRST)


def test_the_only_model_needs_no_promotion(tmp_path: Path) -> None:
    commit(tmp_path, [on(2023, "a"), on(2025, "a")])
    version = table_in(tmp_path).version
    table = table_in(tmp_path)
    table.delete_before(NEW_YEAR)
    assert table.version == (version or 0) + 1


def test_the_newest_rows_of_the_model_that_counts_are_never_deleted(table: ScoreTable) -> None:
    version, later = table.version, datetime.date(2026, 1, 1)
    for change in (table.rows_before, table.delete_before):
        with pytest.raises(UsageError, match=f"all rows of {FIRST}, whose results the view current shows, are older"):
            change(later)
        with pytest.raises(UsageError, match="give an age that leaves its newest rows"):
            change(later, FIRST)
    assert table.version == version
    assert table.delete_before(later, SECOND).rows == 3
    assert {model for _, _, model in left(table)} == {FIRST}


def test_corrected_values_go_with_the_last_row_of_their_photograph(table: ScoreTable) -> None:
    names = [f"file:///archive/DOE-{name}.jpg" for name in "ab"]
    rows = {"image_uri": names, "corrected": [["age"], ["age"]], "age": pa.array([62, 63], pa.int64())}
    Corrections(pa.table(rows, schema=pa.schema([*SCHEMA, ("age", pa.int64())]))).write(table.layout)
    table.delete_before(NEW_YEAR, SECOND)
    assert Corrections.read(table.layout).rows["image_uri"].to_pylist() == names
    table.delete_before(NEW_YEAR)
    assert Corrections.read(table.layout).rows["image_uri"].to_pylist() == names[:1]


def test_an_unknown_model_is_refused(table: ScoreTable) -> None:
    for change in (table.rows_before, table.delete_before):
        with pytest.raises(UsageError, match="no row of 'm-x'"):
            change(NEW_YEAR, "m-x")


def test_a_rewrite_drops_bytes_under_whatever_name(tmp_path: Path) -> None:
    commit(tmp_path, [row("a", image_sha256="aa" * 32), row("b", image_sha256=None), row("c")])
    table_in(tmp_path).rewrite_without(pa.array(["file:///archive/DOE-c.jpg"]), pa.array(["aa" * 32]))
    assert table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist() == ["DOE-b"]
