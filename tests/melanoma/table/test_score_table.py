"""Commits to the score table: all rows of a run, or none."""

import datetime
import decimal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.table.schema import COLUMNS, score_schema
from melanoma.table.score_table import ConflictError, ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SLUGS, commit, row


def names(uri: Path | str) -> list[str]:
    """The ids in the table, in order, repeated where they are."""
    return sorted(table_in(uri).dataset().to_table(columns=["image_id"])["image_id"].to_pylist())


def test_another_model_adds_its_columns_and_leaves_the_old_rows_alone(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    wider = score_schema(("melanoma", "lentigo_nos"))
    theirs = {**row("a", model_id="m-000000000002", p_lentigo_nos=0.75)}
    commit(tmp_path, [{name: theirs.get(name) for name in wider.names}], wider)
    table = table_in(tmp_path).dataset().to_table()
    probabilities = ["p_melanoma", "p_nevus", "p_lentigo_nos"]
    assert sorted(table.schema.names) == sorted([*(column.name for column in COLUMNS), *probabilities])
    assert [name for name in table.schema.names if name.startswith("p_")] == probabilities
    found = {values["model_id"]: (values["p_nevus"], values["p_lentigo_nos"]) for values in table.to_pylist()}
    assert found == {"m-000000000001": (0.75, None), "m-000000000002": (None, 0.75)}
    assert table_in(tmp_path).version is not None


WIDER = score_schema(("melanoma", "lentigo_nos"))


def of_another_model(name: str) -> dict[str, Any]:
    return {column: row(name, model_id="m-000000000002").get(column) for column in WIDER.names}


def test_columns_are_added_by_a_commit_without_rows_before_those_of_the_run(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    assert commit(tmp_path, [of_another_model("b")], WIDER, run_id="two") == 3
    assert [version.what for version in table_in(tmp_path).history()] == ["night", "columns added", "night", "made"]
    before = ScoreTable.at(layout_of(tmp_path), 2)
    assert "p_lentigo_nos" in before.columns().names and before.rows(["image_id"]).num_rows == 1
    assert not before.holds("two") and commit(tmp_path, [of_another_model("c")], WIDER, run_id="three") == 4


def test_no_column_is_added_for_a_run_that_conflicts_or_whose_source_fails(tmp_path: Path) -> None:
    planned = commit(tmp_path, [row("a")], run_id="one")

    def broken() -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pylist([of_another_model("b")], schema=WIDER).to_batches()
        raise NothingCommittedError("lost")

    with pytest.raises(NothingCommittedError, match="lost"):
        table_in(tmp_path).append("two", WIDER, broken())
    commit(tmp_path, [row("b")], run_id="three")
    with pytest.raises(ConflictError):
        commit(tmp_path, [of_another_model("b")], WIDER, run_id="two", planned=planned)
    assert table_in(tmp_path).version == 2 and "p_lentigo_nos" not in table_in(tmp_path).columns().names


def test_kept_columns_come_after_the_probabilities_with_their_types(tmp_path: Path) -> None:
    kept = pa.schema([("site", pa.string()), ("age", pa.int16()), ("seen", pa.timestamp("us", "UTC"))])
    schema = score_schema(SLUGS, kept)
    seen = datetime.datetime(2020, 5, 6, tzinfo=datetime.UTC)
    commit(tmp_path, [row("a", site="left arm", age=61, seen=seen), row("b", site=None, age=None, seen=None)], schema)
    commit(tmp_path, [row("c")])
    table = table_in(tmp_path).dataset().to_table()
    assert table.schema.names == schema.names
    assert [table.schema.field(name).type for name in kept.names] == kept.types
    found = {values["image_id"]: (values["site"], values["age"], values["seen"]) for values in table.to_pylist()}
    assert found == {"DOE-a": ("left arm", 61, seen), "DOE-b": (None,) * 3, "DOE-c": (None,) * 3}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (pa.string(), "x"),
        (pa.bool_(), True),
        (pa.int8(), 1),
        (pa.int64(), 2**40),
        (pa.float32(), 0.5),
        (pa.float64(), 0.1),
        (pa.decimal128(10, 2), decimal.Decimal("1.25")),
        (pa.date32(), datetime.date(2020, 5, 6)),
        (pa.timestamp("us"), datetime.datetime(2020, 5, 6, 7, 8, 9, 123456)),
        (pa.timestamp("us", "UTC"), datetime.datetime(2020, 5, 6, tzinfo=datetime.UTC)),
    ],
    ids=str,
)
def test_kept_values_come_back_and_their_type_is_accepted_by_the_next_run(
    tmp_path: Path, type_: pa.DataType, value: object
) -> None:
    kept = pa.schema([("kept", type_)])
    commit(tmp_path, [row("a", kept=value)], score_schema(SLUGS, kept))
    table_in(tmp_path).check_types(kept)
    commit(tmp_path, [row("b", kept=None)], score_schema(SLUGS, kept))
    found = table_in(tmp_path).dataset().to_table().sort_by("image_id")
    assert found["kept"].to_pylist() == [value, None]


def test_a_run_planned_against_an_older_version_conflicts_and_changes_nothing(tmp_path: Path) -> None:
    planned = commit(tmp_path, [row("a")], run_id="one")
    commit(tmp_path, [row("b")], run_id="two")
    with pytest.raises(ConflictError):
        commit(tmp_path, [row("b")], run_id="three", planned=planned)
    assert names(tmp_path) == ["DOE-a", "DOE-b"]
    assert table_in(tmp_path).holds("two") and not table_in(tmp_path).holds("three")


def test_rows_whose_source_fails_commit_nothing_and_raise_its_error(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])

    def broken() -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pylist([row("b")], schema=score_schema(SLUGS)).to_batches()
        raise NothingCommittedError("a photograph was lost on the way")

    with pytest.raises(NothingCommittedError, match="lost on the way"):
        ScoreTable.at(layout_of(tmp_path), table_in(tmp_path).version).append("run-b", score_schema(SLUGS), broken())
    assert names(tmp_path) == ["DOE-a"]


def batches_of(*rows: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    yield from pa.Table.from_pylist(list(rows), schema=score_schema(SLUGS)).to_batches()


def test_an_append_moves_the_table_to_the_version_that_holds_the_rows(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    assert table.version is None
    assert table.append("one", score_schema(SLUGS), batches_of(row("a"))) == table.version == 1
    assert table.append("two", score_schema(SLUGS), batches_of(row("b"))) == table.version == 2
    assert table.holds("one") and table.holds("two") and names(tmp_path) == ["DOE-a", "DOE-b"]


def test_a_conflict_leaves_the_table_where_it_was_planned(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    late = table_in(tmp_path)
    commit(tmp_path, [row("b")], run_id="two")
    with pytest.raises(ConflictError, match=str(tmp_path)):
        late.append("three", score_schema(SLUGS), batches_of(row("b")))
    assert late.version == 1 and not late.holds("two")


def test_a_run_that_planned_for_no_table_conflicts_with_the_first_commit(tmp_path: Path) -> None:
    late = ScoreTable.at(layout_of(tmp_path), None)
    commit(tmp_path, [row("a")], run_id="one")
    with pytest.raises(ConflictError):
        late.append("two", score_schema(SLUGS), batches_of(row("a")))
    assert names(tmp_path) == ["DOE-a"] and late.version is None


def test_a_run_that_finds_an_empty_table_where_it_planned_for_none_commits(tmp_path: Path) -> None:
    """Another run has created the table, and committed nothing so far."""
    late = ScoreTable.at(layout_of(tmp_path), None)

    def broken() -> Iterator[pa.RecordBatch]:
        raise NothingCommittedError("stopped")
        yield

    with pytest.raises(NothingCommittedError, match="stopped"):
        ScoreTable.at(layout_of(tmp_path), None).append("one", score_schema(SLUGS), broken())
    assert table_in(tmp_path).version == 0
    assert late.append("two", score_schema(SLUGS), batches_of(row("a"))) == 1


def test_a_compaction_does_not_conflict_with_a_planned_run(tmp_path: Path) -> None:
    for name in "ab":
        commit(tmp_path, [row(name)], run_id=f"run-{name}")
    planned = table_in(tmp_path)
    table_in(tmp_path).compact()
    assert planned.append("late", score_schema(SLUGS), batches_of(row("c"))) == planned.version == 4
    assert names(tmp_path) == ["DOE-a", "DOE-b", "DOE-c"]


def test_a_promotion_conflicts_with_a_planned_run_which_can_plan_again(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    planned = table_in(tmp_path)
    table_in(tmp_path).promote("m-000000000001")
    with pytest.raises(ConflictError):
        planned.append("late", score_schema(SLUGS), batches_of(row("b")))
    assert table_in(tmp_path).append("late", score_schema(SLUGS), batches_of(row("b"))) == 3


def test_a_run_commits_under_its_id_once_in_the_log(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="20260102T030405Z-00000000")
    log = (tmp_path / "_delta_log" / f"{1:020}.json").read_text()
    assert log.count('"run_id":"20260102T030405Z-00000000"') == 1
    assert log.count('"appId":"melanoma-score"') == log.count('"appId":"20260102T030405Z-00000000"') == 1


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), UsageError("wrong"), OSError(5, "gone"), ValueError("bad")])
def test_what_the_source_of_the_rows_raises_is_raised_as_it_is(tmp_path: Path, failure: BaseException) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from batches_of(row("a"))
        raise failure

    with pytest.raises(type(failure)) as caught:
        table_in(tmp_path).append("one", score_schema(SLUGS), broken())
    assert caught.value is failure and not table_in(tmp_path).holds("one")


def test_a_commit_that_the_disk_refuses_says_why_and_that_nothing_is_lost(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    table = table_in(tmp_path)
    (tmp_path / "_delta_log" / f"{2:020}.json").mkdir()
    with pytest.raises((NothingCommittedError, ConflictError)):
        table.append("two", score_schema(SLUGS), batches_of(row("b")))
    (tmp_path / "_delta_log" / f"{2:020}.json").rmdir()
    assert table.version == 1 and names(tmp_path) == ["DOE-a"]


def test_rows_of_a_run_without_rows_are_an_empty_commit(tmp_path: Path) -> None:
    assert commit(tmp_path, [], run_id="empty") == 1
    assert table_in(tmp_path).holds("empty") and names(tmp_path) == []


def test_a_commit_that_the_disk_refuses_is_a_mistake_and_commits_nothing(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    log = str(tmp_path / "_delta_log")
    if subprocess.run(["chattr", "+i", log], capture_output=True, check=False).returncode:
        pytest.skip("only root can make a folder immutable, and not on every disk")
    try:
        with pytest.raises(UsageError, match=r"the commit was refused \(Operation not permitted\); fix"):
            commit(tmp_path, [row("b")], run_id="two")
    finally:
        subprocess.run(["chattr", "-i", log], check=True)
    assert names(tmp_path) == ["DOE-a"]
