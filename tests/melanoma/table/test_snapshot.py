"""One version of the score table: what is read from it, and that it stands still."""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pytest
from deltalake import DeltaTable

from melanoma.errors import UsageError
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, failed, row

OTHER = "m-000000000002"


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    uri = str(tmp_path / "none")
    assert table_in(uri).version is None and not table_in(uri).holds("run")
    assert not table_in(uri).knows_under("/archive")
    with pytest.raises(UsageError, match="no score table there"):
        table_in(uri).compact()
    with pytest.raises(UsageError, match="no score table there; check the path"):
        table_in(uri).dataset()
    assert not (tmp_path / "none").exists()


def test_the_ledger_streams_one_model_at_one_version(tmp_path: Path) -> None:
    first = commit(tmp_path, [row("a"), row("x", model_id="m-000000000002")])
    second = commit(tmp_path, [failed("b")])

    def streamed(version: int) -> list[tuple[str, str]]:
        batches = ScoreTable.at(layout_of(tmp_path), version).ledger_rows("model_id", "m-000000000001")
        rows = [values for batch in batches for values in batch.to_pylist()]
        assert not any("image_id" in values or "image_sha256" in values for values in rows)
        return sorted((values["image_version"], values["status"]) for values in rows)

    assert streamed(first) == [("DOE-version-a", "scored")]
    assert streamed(second) == [("DOE-version-a", "scored"), ("DOE-version-b", "failed")]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two models and three runs: versions 1 to 3."""
    folder = tmp_path_factory.mktemp("several")
    commit(folder, [row("a", run_id="one"), failed("b", run_id="one")], run_id="one")
    commit(folder, [row("a", run_id="two", model_id=OTHER)], run_id="two")
    commit(folder, [row("c", run_id="three")], run_id="three")
    return folder


def test_a_snapshot_stands_still_while_others_commit(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    before = table_in(tmp_path)
    commit(tmp_path, [row("b")], run_id="two")
    assert (before.version, before.rows(["image_id"]).num_rows, before.holds("two")) == (1, 1, False)
    assert (table_in(tmp_path).version, table_in(tmp_path).rows(["image_id"]).num_rows) == (2, 2)


def test_no_table_yet_stays_no_table_even_if_there_is_one_by_now(several: Path) -> None:
    planned = ScoreTable.at(layout_of(several), None)
    assert planned.version is None and not planned.holds("one") and not planned.knows_under("/archive")
    assert list(planned.ledger_rows("model_id", "m-000000000001")) == [] and planned.small_files(OTHER) == 0
    with pytest.raises(UsageError, match="no score table there"):
        planned.rows(["image_id"])


def test_earlier_versions_can_be_opened_and_know_only_their_runs(several: Path) -> None:
    holding = [
        [run for run in ("one", "two", "three") if ScoreTable.at(layout_of(several), version).holds(run)]
        for version in range(4)
    ]
    assert holding == [[], ["one"], ["one", "two"], ["one", "two", "three"]]


def test_the_version_cannot_be_set(several: Path) -> None:
    with pytest.raises(AttributeError):
        table_in(several).version = 1  # type: ignore[misc]


def test_no_public_member_hands_out_the_delta_table(several: Path) -> None:
    table = table_in(several)
    public = {name: getattr(table, name) for name in dir(table) if not name.startswith("_")}
    assert not [name for name, value in public.items() if isinstance(value, DeltaTable)]
    assert set(vars(table)) == {"layout", "_delta"}


def test_a_folder_without_a_table_is_a_mistake_that_quotes_the_users_path(
    several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ScoreTable.in_folder(str(several)).version == 3
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UsageError, match=r"^scores: no score table there; check the path \(`melanoma score --output …`"
    ):
        ScoreTable.in_folder("scores")


def test_rows_are_chosen_by_columns_by_condition_and_by_text(several: Path) -> None:
    table = table_in(several)
    is_jane = pa.compute.field("image_id") == "DOE-a"
    assert table.rows(["run_id", "image_id"]).column_names == ["run_id", "image_id"]
    assert sorted(table.rows(["image_id"])["image_id"].to_pylist()) == ["DOE-a", "DOE-a", "DOE-b", "DOE-c"]
    assert sorted(table.rows(["run_id"], is_jane)["run_id"].to_pylist()) == ["one", "two"]
    assert table.rows(["run_id"], is_jane, model_id=OTHER)["run_id"].to_pylist() == ["two"]
    assert table.rows(["image_id"], status="failed", run_id="one")["image_id"].to_pylist() == ["DOE-b"]
    assert table.rows(["image_id"], status="failed", run_id="two").num_rows == 0


READERS: dict[str, Callable[[ScoreTable], object]] = {
    "rows": lambda table: table.rows(["image_id"]),
    "ledger_rows": lambda table: list(table.ledger_rows("model_id", "m-000000000001")),
    "knows_under": lambda table: table.knows_under("/archive"),
    "models": lambda table: table.models(),
    "promoted": lambda table: table.promoted(),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("fault", ["gone", "damaged"])
def test_a_broken_data_file_is_named_by_every_reader(tmp_path: Path, reader: str, fault: str) -> None:
    commit(tmp_path, [row("a")])
    (file,) = tmp_path.glob("model_id=*/*.parquet")
    table = table_in(tmp_path)
    file.write_bytes(b"junk" * 100)
    if fault == "gone":
        file.unlink()
    expected = (
        rf"a data file of the score table is {fault} \({re.escape(str(file.relative_to(tmp_path)))}\); restore it"
    )
    with pytest.raises(UsageError, match=expected) as caught:
        READERS[reader](table)
    assert "DOE" not in str(caught.value) and str(file) not in str(caught.value)


def test_reading_without_a_table_says_how_to_create_one(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    for read in (table.dataset, table.models, table.promoted, table.history):
        with pytest.raises(UsageError, match="no score table there; check the path"):
            read()
