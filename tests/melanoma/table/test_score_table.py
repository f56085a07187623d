"""Whoever reads the table as documented reads each row once, and the log keeps no name."""

import datetime
import decimal
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.table.schema import COLUMNS, SCHEMA_VERSION, STATISTICS_COLUMNS, score_schema
from melanoma.table.score_table import ConflictError, ScoreTable
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SHA, SLUGS, commit, failed, row

README = (ROOT / "README.md").read_text(encoding="utf-8")
NIGHTS, PHOTOGRAPHS = 101, 4


def names(uri: Path | str) -> list[str]:
    """The ids in the table, in order, repeated where they are."""
    return sorted(table_in(uri).dataset().to_table(columns=["image_id"])["image_id"].to_pylist())


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with out/scores after 101 nights, so with a checkpoint."""
    folder = tmp_path_factory.mktemp("grown")
    uri, version = str(folder / "out" / "scores"), None
    for night in range(NIGHTS):
        rows = [
            row(f"{night}-{index}", run_id=f"run-{night}", attempt=1 + index % 2) for index in range(PHOTOGRAPHS - 1)
        ]
        rows.append(failed(f"{night}-last", run_id=f"run-{night}"))
        batches = pa.Table.from_pylist(rows, schema=score_schema(SLUGS)).to_batches()
        version = ScoreTable.at(layout_of(uri), version).append(f"run-{night}", score_schema(SLUGS), iter(batches))
    assert (folder / "out" / "scores" / "_delta_log" / "_last_checkpoint").exists()
    return folder


@pytest.fixture(scope="module")
def compacted(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(grown, tmp_path_factory.mktemp("compacted") / "here"))
    table_in(folder / "out" / "scores").compact()
    return folder


@pytest.fixture(scope="module")
def thinned(compacted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after somebody has deleted every second attempt, as an analyst would."""
    folder = Path(shutil.copytree(compacted, tmp_path_factory.mktemp("thinned") / "here"))
    DeltaTable(str(folder / "out" / "scores")).delete("attempt = 2")
    return folder


@pytest.mark.parametrize("state", ["grown", "compacted", "thinned"])
def test_the_one_liners_of_the_readme_read_every_row_once(
    state: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(request.getfixturevalue(state))
    (block,) = re.findall(r"## Reading the table\n.*?```python\n(.*?)```", README, re.DOTALL)
    found: dict[str, Any] = {}
    exec(block, found)  # noqa: S102 - the page's own words are what is tested
    expected = {
        f"DOE-{night}-{index}"
        for night in range(NIGHTS)
        for index in [*range(PHOTOGRAPHS - 1), "last"]
        if state != "thinned" or index != 1
    }
    arrow = found["scores"].to_table()
    assert len(expected) == arrow.num_rows and set(arrow["image_id"].to_pylist()) == expected
    as_rows = sorted(arrow.to_pylist(), key=lambda row: row["image_id"])
    assert sorted(found["lazy"].collect().to_dicts(), key=lambda row: row["image_id"]) == as_rows
    frame = found["frame"].sort_values("image_id")
    assert list(frame["image_id"]) == [row["image_id"] for row in as_rows]
    assert frame["p_nevus"].sum() == pytest.approx(sum(row["p_nevus"] or 0 for row in as_rows))
    tried = [label for row in as_rows for label in [row["top_label"]]]
    assert dict(found["answer"].fetchall()) == {"nevus": tried.count("nevus"), None: NIGHTS}


@pytest.mark.parametrize("state", ["compacted", "thinned"])
def test_a_glob_over_the_files_is_not_the_table(state: str, request: pytest.FixtureRequest) -> None:
    """The trap that the documents warn of; where this fails, the warning can go."""
    folder = request.getfixturevalue(state) / "out" / "scores"
    in_table = table_in(folder).dataset().count_rows()
    files = duckdb.read_parquet(f"{folder}/**/*.parquet", union_by_name=True)
    assert files.aggregate("count(*)").fetchall()[0][0] > in_table
    assert polars.scan_parquet(folder / "model_id=*" / "*.parquet").collect().height > in_table


@pytest.mark.parametrize("state", ["grown", "compacted", "thinned"])
def test_the_log_holds_no_name_no_error_and_no_digest(state: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(state) / "out" / "scores" / "_delta_log"
    logs = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    checkpoints = list(folder.glob("*.checkpoint.parquet"))
    assert len(logs) >= NIGHTS and checkpoints
    for path in checkpoints:
        logs[path.name] = str(pyarrow.parquet.read_table(path).to_pylist())
    for name, text in logs.items():
        assert "DOE" not in text and SHA not in text, name
    assert "minValues" in logs[f"{NIGHTS:020}.json"]


def test_the_statistics_are_of_columns_that_name_nobody(grown: Path) -> None:
    added = DeltaTable(str(grown / "out" / "scores")).get_add_actions(flatten=True)
    kept = {name.partition(".")[2] for name in pa.table(added).schema.names if name.startswith(("min.", "max."))}
    assert kept == set(STATISTICS_COLUMNS)
    assert not kept & {"image_id", "image_uri", "image_version", "error", "image_sha256"}


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


def test_a_kept_column_of_another_type_than_the_tables_is_refused_by_name(tmp_path: Path) -> None:
    kept = pa.schema([("age", pa.int16())])
    table_in(tmp_path).check_types(kept)
    commit(tmp_path, [row("a", age=61)], score_schema(SLUGS, kept))
    table_in(tmp_path).check_types(kept)
    table_in(tmp_path).check_types(pa.schema([("site", pa.string())]))
    with pytest.raises(UsageError, match=r"--keep age: is string in the manifest, .*int16"):
        table_in(tmp_path).check_types(pa.schema([("age", pa.string())]))


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
def test_what_is_kept_comes_back_and_is_welcome_on_the_next_night(
    tmp_path: Path, type_: pa.DataType, value: object
) -> None:
    kept = pa.schema([("kept", type_)])
    commit(tmp_path, [row("a", kept=value)], score_schema(SLUGS, kept))
    table_in(tmp_path).check_types(kept)
    commit(tmp_path, [row("b", kept=None)], score_schema(SLUGS, kept))
    found = table_in(tmp_path).dataset().to_table().sort_by("image_id")
    assert found["kept"].to_pylist() == [value, None]


def test_a_kept_column_whose_name_differs_in_case_alone_is_refused(tmp_path: Path) -> None:
    kept = pa.schema([("Site", pa.string())])
    commit(tmp_path, [row("a", Site="left")], score_schema(SLUGS, kept))
    with pytest.raises(UsageError, match=r"--keep site: is string in the manifest, the table has Site"):
        table_in(tmp_path).check_types(pa.schema([("site", pa.string())]))


def test_a_kept_column_must_not_bear_the_name_of_one_of_ours() -> None:
    for name in ("status", "model_id", "p_melanoma", "p_anything"):
        with pytest.raises(UsageError, match=f"--keep {name}: the score table has a column of that name"):
            score_schema(SLUGS, pa.schema([(name, pa.string())]))


ARCHIVE = "/archive/2025"


@pytest.fixture
def knowing(tmp_path: Path) -> str:
    """A table that knows photographs under names with and without glob characters."""
    known = [f"{ARCHIVE}/a.jpg", f"{ARCHIVE}/sub/b.jpg", "/archive/[new] week/c.jpg", "/archive/2024-old/d.jpg"]
    uris = [f"file://{path}" for path in known]
    commit(tmp_path, [row(str(index), image_uri=uri) for index, uri in enumerate(uris)])
    return str(tmp_path)


@pytest.mark.parametrize(
    ("root", "known"),
    [
        (ARCHIVE, True),
        (f"{ARCHIVE}/", True),
        (f"file://{ARCHIVE}/sub", True),
        (f"{ARCHIVE}/a.jpg", True),
        (f"{ARCHIVE}/*.jpg", True),
        (f"{ARCHIVE}/**/*.jpg", True),
        (f"{ARCHIVE}/su[a-c]/*", True),
        ("/archive/[new] week", True),
        ("/archive/2023", False),
        ("/elsewhere/*.jpg", False),
        ("s3://archive/2025", False),
    ],
)
def test_a_root_is_known_by_what_lies_below_it(knowing: str, root: str, known: bool) -> None:
    assert table_in(knowing).knows_under(root) is known


@pytest.mark.parametrize(
    "root", ["/archive/2024", "/archive/[old] week", "/archive/2025/x*.jpg", "/arch", "/archive/?"]
)
def test_a_root_is_not_known_by_its_neighbours(knowing: str, root: str) -> None:
    assert table_in(knowing).knows_under(root) is False


def test_an_emptied_archive_is_known_by_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("x/a.jpg", b"x")
    commit(tmp_path / "scores", [row("a", image_uri=f"zip://x/a.jpg::file://{tmp_path}/in.zip")])
    assert table_in(tmp_path / "scores").knows_under(f"zip://{tmp_path}/in.zip")
    assert table_in(tmp_path / "scores").knows_under(f"zip://x::{tmp_path}/in.zip")
    assert not table_in(tmp_path / "scores").knows_under(f"zip://y::{tmp_path}/in.zip")
    assert not table_in(tmp_path / "scores").knows_under(str(tmp_path))


def test_without_a_table_nothing_is_known(tmp_path: Path) -> None:
    uri = str(tmp_path / "none")
    assert table_in(uri).version is None and not table_in(uri).holds("run")
    assert not table_in(uri).knows_under("/archive")
    with pytest.raises(UsageError, match="no score table there"):
        table_in(uri).compact()
    with pytest.raises(UsageError, match="no score table there; `melanoma score --output"):
        table_in(uri).dataset()
    assert not (tmp_path / "none").exists()


def test_a_delta_table_of_something_else_is_refused(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path), pa.table({"image_id": ["x"], "status": ["y"]}))
    with pytest.raises(UsageError, match="the Delta table there is not a score table, as it lacks image_uri"):
        ScoreTable.open(layout_of(tmp_path))


def test_a_run_that_planned_against_an_older_table_conflicts_and_changes_nothing(tmp_path: Path) -> None:
    planned = commit(tmp_path, [row("a")], run_id="one")
    commit(tmp_path, [row("b")], run_id="two")
    with pytest.raises(ConflictError):
        commit(tmp_path, [row("b")], run_id="three", planned=planned)
    assert names(tmp_path) == ["DOE-a", "DOE-b"]
    assert table_in(tmp_path).holds("two") and not table_in(tmp_path).holds("three")


def test_rows_that_break_off_commit_nothing_and_say_why(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])

    def broken() -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pylist([row("b")], schema=score_schema(SLUGS)).to_batches()
        raise NothingCommittedError("a photograph was lost on the way")

    with pytest.raises(NothingCommittedError, match="lost on the way"):
        ScoreTable.at(layout_of(tmp_path), table_in(tmp_path).version).append("run-b", score_schema(SLUGS), broken())
    assert names(tmp_path) == ["DOE-a"]


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


def test_a_compaction_moves_no_row(tmp_path: Path) -> None:
    for name in "abcde":
        commit(tmp_path, [row(name)])
    before = names(tmp_path)
    table_in(tmp_path).compact()
    assert names(tmp_path) == before and len(DeltaTable(str(tmp_path)).file_uris()) == 1
    assert table_in(tmp_path).version == 6


def test_the_schema_is_the_promise_that_its_version_names() -> None:
    """Whoever changes a column here raises SCHEMA_VERSION, so that old staged rows are not taken for new ones."""
    promised = [f"{column.name} {column.type} {column.nullable}" for column in COLUMNS]
    assert (SCHEMA_VERSION, len(promised)) == (1, 20)
    assert promised[0] == "image_id string False" and promised[-1] == "model_id string False"
