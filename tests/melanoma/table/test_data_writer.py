"""Data files that are written here: their pages have checksums, and other programs read them."""

import datetime
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.queries.views import query
from melanoma.table import data_writer
from melanoma.table.data_writer import WrittenFile, write_data_files
from melanoma.table.schema import score_schema
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SLUGS, commit, failed, row

SCHEMA = score_schema(SLUGS)
OTHER = "m-000000000002"


def batches_of(*rows: dict[str, object], size: int = 100) -> Iterator[pa.RecordBatch]:
    yield from pa.Table.from_pylist(list(rows), schema=SCHEMA).to_batches(size)


def flipped(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def pages_of(path: Path) -> list[tuple[int, int]]:
    """Returns where the values of each column lie: begin and end of its pages, in bytes."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return [
        (column.dictionary_page_offset or column.data_page_offset, column.total_compressed_size) for column in columns
    ]


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_in_any_page_is_an_error_that_names_the_file(tmp_path: Path, seed: int) -> None:
    commit(tmp_path, [row(f"{number}", p_nevus=number / 500) for number in range(500)])
    (path,) = tmp_path.glob("model_id=*/*.parquet")
    dice, sound = random.Random(seed), path.read_bytes()
    for begin, size in pages_of(path):
        flipped(path, begin + size - 1 - dice.randrange(min(4, size)), dice.randrange(8))  # behind the page's header
        for read in (
            lambda table: table.rows(SCHEMA.names),
            lambda table: list(query(table, "FROM scores").to_batches()),
        ):
            with pytest.raises(UsageError, match=f"damaged \\(model_id=m-000000000001/{path.name}\\)"):
                read(table_in(tmp_path))
        path.write_bytes(sound)
    assert table_in(tmp_path).rows(["image_id"]).num_rows == 500


def test_files_are_split_by_model_and_hold_every_row(tmp_path: Path) -> None:
    rows = [row(str(number), model_id=OTHER if number % 3 else "m-000000000001") for number in range(30)]
    written = write_data_files(layout_of(tmp_path), SCHEMA, batches_of(*rows, failed("x"), size=7))
    assert sorted((file.model_id, file.rows) for file in written) == [("m-000000000001", 11), (OTHER, 20)]
    for file in written:
        assert file.size == (tmp_path / file.name).stat().st_size
        stored = pq.ParquetFile(tmp_path / file.name).read()
        assert stored.schema.names == [name for name in SCHEMA.names if name != "model_id"]
        own = [given for given in (*rows, failed("x")) if given["model_id"] == file.model_id]
        assert stored["image_id"].to_pylist() == [given["image_id"] for given in own]
        assert stored["p_nevus"].to_pylist() == [given["p_nevus"] for given in own]


def test_columns_that_the_rows_lack_are_null(tmp_path: Path) -> None:
    wider = pa.schema([*SCHEMA, pa.field("site", pa.string())])
    (file,) = write_data_files(layout_of(tmp_path), wider, batches_of(row("a")))
    assert pq.ParquetFile(tmp_path / file.name).read()["site"].to_pylist() == [None]


def test_a_full_file_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_writer, "FULL_BYTES", 1000)
    monkeypatch.setattr(data_writer, "_ROW_GROUP_ROWS", 10)
    written = write_data_files(layout_of(tmp_path), SCHEMA, batches_of(*(row(str(n)) for n in range(25)), size=5))
    assert [file.rows for file in written] == [10, 10, 5]


def test_rows_that_end_in_an_error_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_writer, "FULL_BYTES", 1000)
    monkeypatch.setattr(data_writer, "_ROW_GROUP_ROWS", 10)
    seen = list[Path]()

    def broken() -> Iterator[pa.RecordBatch]:
        yield from batches_of(*(row(str(number)) for number in range(20)), size=10)
        seen.extend(tmp_path.rglob("*.parquet"))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_data_files(layout_of(tmp_path), SCHEMA, broken())
    assert len(seen) == 2 and not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_disk_that_refuses_for_good_is_told_from_one_that_may_accept_later(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "model_id=m-000000000001").write_text("in the way")
    with pytest.raises((UsageError, NothingCommittedError), match="a data file of the score table cannot be written"):
        write_data_files(layout_of(tmp_path), SCHEMA, batches_of(row("a")))
    with pytest.raises(UsageError, match="s3://no-such-bucket/out does not exist"):
        write_data_files(layout_of("s3://no-such-bucket/out"), SCHEMA, batches_of(row("a")))


def written_by_delta(folder: Path, rows: list[dict[str, object]]) -> dict[str, object]:
    """Returns what Delta Lake's own writer states about a file with some rows."""
    from deltalake import write_deltalake

    names = "run_date,run_id,scored_at,status,error_kind,attempt,top_label,top_probability"
    write_deltalake(
        str(folder),
        pa.Table.from_pylist(rows, schema=SCHEMA),
        partition_by=["model_id"],
        configuration={"delta.dataSkippingStatsColumns": names},
    )
    return stated(folder)


def stated(folder: Path) -> dict[str, object]:
    (file,) = pa.table(DeltaTable(str(folder)).get_add_actions(flatten=True)).to_pylist()
    return {name: value for name, value in file.items() if name.startswith(("min.", "max.", "null_count.", "num_"))}


def test_the_log_states_what_delta_lakes_own_writer_would(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 123_456, tzinfo=datetime.UTC)
    times = [moment + datetime.timedelta(days=number, microseconds=567_800 * number) for number in range(5)]
    rows = [row(str(n), attempt=n + 1, top_probability=n / 7, scored_at=times[n]) for n in range(5)]
    rows += [failed("x"), row("z", top_label="ä" * 20)]
    commit(tmp_path / "own", rows)
    assert stated(tmp_path / "own") == written_by_delta(tmp_path / "delta", rows)
    commit(tmp_path / "failed", [failed("x")])
    assert stated(tmp_path / "failed") == written_by_delta(tmp_path / "delta failed", [failed("x")])


def test_files_without_a_row_that_is_asked_for_are_not_read(tmp_path: Path) -> None:
    for year in (2020, 2021, 2022):
        commit(tmp_path, [row(str(year), run_date=datetime.date(year, 1, 1), run_id=f"{year}")], run_id=f"{year}")
    field = pyarrow.dataset.field
    for where in (field("run_date") == datetime.date(2021, 1, 1), field("run_id") == "2021"):
        (part,) = table_in(tmp_path).dataset().get_fragments(where)
        assert part.to_table(columns=["image_id"])["image_id"].to_pylist() == ["DOE-2021"]


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), failed("b")])
    commit(tmp_path, [row("c", model_id=OTHER)])
    table_in(tmp_path).compact()
    files = [str(tmp_path / name) for name in DeltaTable(str(tmp_path)).file_uris()]
    query = "SELECT image_id, p_nevus, model_id FROM read_parquet($1, hive_partitioning=true) ORDER BY image_id"
    found = [("DOE-a", 0.75, "m-000000000001"), ("DOE-b", None, "m-000000000001"), ("DOE-c", 0.75, OTHER)]
    assert duckdb.execute(query, [files]).fetchall() == found
    plain = DeltaTable(str(tmp_path)).to_pyarrow_table(columns=["image_id", "p_nevus", "model_id"])
    assert sorted(map(tuple, (rows.values() for rows in plain.to_pylist()))) == found


def test_a_written_file_says_what_it_is(tmp_path: Path) -> None:
    (file,) = write_data_files(layout_of(tmp_path), SCHEMA, batches_of(row("a")))
    assert isinstance(file, WrittenFile) and layout_of(tmp_path).is_data_file(file.name)
