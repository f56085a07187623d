"""The names of models come from the records of runs; without them only ids count."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.runs.model_names import model_called, models_of, names_in, names_of
from melanoma.runs.records import KILLED, Counts, RunRecord, write_record
from melanoma.runs.run_history import summary_of
from melanoma.table.models import ModelFacts
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.reports import RECORD
from tests.helpers.score_rows import commit, row

OLD, NEW = "m-000000000001", "m-000000000002"
FIRST, SECOND = "20260102T030405Z-00000000", "20260103T030405Z-00000000"


def record(run_id: str, model_id: str, name: str) -> RunRecord:
    return replace(RECORD, run_id=run_id, model_id=model_id, model_name=name)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A table with a row of each of two models, and the records of their runs."""
    for run_id, model_id, name in ((FIRST, OLD, "lite0"), (SECOND, NEW, "large")):
        commit(tmp_path, [row(name, run_id=run_id, model_id=model_id)], run_id=run_id)
        write_record(layout_of(tmp_path), record(run_id, model_id, name))
    return tmp_path


def test_a_model_is_called_as_its_newest_run_called_it() -> None:
    runs = [("1", OLD, "lite0"), ("2", NEW, "large"), ("3", OLD, "renamed"), ("4", OLD, "")]
    found = names_in(summary_of(record(*run), {}) for run in runs)
    assert found.by_id == {OLD: "renamed", NEW: "large"}


def test_a_name_in_the_records_cannot_move_the_cursor() -> None:
    found = names_in([summary_of(record("1", OLD, "a\x1b[2Jb\u202e"), {})])
    assert found.name(OLD) == "a\ufffd[2Jb\ufffd"


def test_the_run_of_an_unknown_model_names_none() -> None:
    killed = RunRecord(FIRST, "2026-01-02", "", KILLED, Counts(), model_name="lite0")
    assert names_in([summary_of(killed, {})]).by_id == {}


def test_the_models_of_a_table_have_names(output: Path) -> None:
    assert models_of(table_in(output)) == [
        ModelFacts(OLD, 1, FIRST, FIRST, is_promoted=True, is_default=True, name="lite0"),
        ModelFacts(NEW, 1, SECOND, SECOND, is_promoted=False, name="large"),
    ]


@pytest.mark.parametrize("text", [NEW, "large"])
def test_a_model_is_called_by_name_or_id(output: Path, text: str) -> None:
    assert model_called(table_in(output), text).model_id == NEW


def test_an_unknown_model_is_refused_with_those_of_the_table(output: Path) -> None:
    with pytest.raises(UsageError) as caught:
        model_called(table_in(output), "larg")
    assert str(caught.value) == f"{output}: no row of 'larg'; the table has lite0 ({OLD}), large ({NEW})"


def test_a_name_without_rows_is_not_found(output: Path) -> None:
    write_record(layout_of(output), record("20260104T030405Z-00000000", "m-000000000003", "deleted"))
    with pytest.raises(UsageError, match="no row of 'deleted'"):
        model_called(table_in(output), "deleted")


def test_without_records_ids_still_count(output: Path) -> None:
    shutil.rmtree(output / "_reports")
    assert [model.name for model in models_of(table_in(output))] == ["", ""]
    assert model_called(table_in(output), OLD).shown == OLD
    with pytest.raises(UsageError, match=f"the table has {OLD}, {NEW}"):
        model_called(table_in(output), "lite0")


def test_the_records_of_an_earlier_version_have_no_names() -> None:
    assert names_of(layout_of(ROOT / "tests" / "data" / "version-0.1" / "table")).by_id == {}
