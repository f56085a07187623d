"""Maintenance of a score table."""

import datetime
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.table import maintenance
from melanoma.table.maintenance import RETENTION_DAYS, Compaction, Removal
from melanoma.table.score_table import ScoreTable
from tests.helpers.faults import DIED, clean_up_that_dies, start
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row


def names(uri: Path | str) -> list[str]:
    """The ids in the table, in order, repeated where they are."""
    return sorted(table_in(uri).dataset().to_table(columns=["image_id"])["image_id"].to_pylist())


def test_a_compaction_keeps_every_row(tmp_path: Path) -> None:
    for name in "abcde":
        commit(tmp_path, [row(name)])
    before = names(tmp_path)
    table_in(tmp_path).compact()
    assert names(tmp_path) == before and len(DeltaTable(str(tmp_path)).file_uris()) == 1
    assert table_in(tmp_path).version == 6


OTHER = "m-000000000002"


@pytest.fixture
def table(tmp_path: Path) -> ScoreTable:
    """A table of two models at version 2, the first of which counts."""
    commit(tmp_path, [row("a", run_id="one"), row("b", run_id="one")], run_id="one")
    commit(tmp_path, [row("a", run_id="two", model_id=OTHER)], run_id="two")
    return table_in(tmp_path)


def folder_of(table: ScoreTable) -> Path:
    return Path(table.layout.name)


def data_files(table: ScoreTable) -> list[Path]:
    return sorted(folder_of(table).glob("model_id=*/*.parquet"))


def test_a_promotion_is_a_version_and_a_property_for_every_delta_client(table: ScoreTable) -> None:
    assert table.promote(OTHER) == table.version == 3
    assert DeltaTable(table.layout.name).metadata().configuration["melanoma.promoted"] == OTHER
    assert table.promoted() == OTHER


def test_only_a_model_with_rows_can_be_promoted_or_deleted(table: ScoreTable) -> None:
    for change in (table.promote, table.delete_model):
        with pytest.raises(UsageError, match=f"no row of 'm-x'; the table has m-000000000001, {OTHER}"):
            change("m-x")
    assert table.version == 2


def test_a_deletion_takes_one_model_and_never_the_promoted_one(table: ScoreTable) -> None:
    with pytest.raises(UsageError, match="m-000000000001 is the promoted model; promote another one first"):
        table.delete_model("m-000000000001")
    assert table.delete_model(OTHER) == 1
    assert (table.version, names(folder_of(table))) == (3, ["DOE-a", "DOE-b"])


def test_each_change_moves_the_table_to_its_own_version(table: ScoreTable) -> None:
    versions = [table.version]
    for change in (
        lambda: table.promote(OTHER),
        lambda: table.delete_model("m-000000000001"),
        lambda: table.rewrite_without(pa.array(["file:///archive/DOE-a.jpg"])),
    ):
        change()
        versions.append(table.version)
        assert table_in(folder_of(table)).version == table.version
    assert versions == [2, 3, 4, 5]


def test_a_compaction_reports_its_files_and_one_of_nothing_changes_nothing(table: ScoreTable) -> None:
    commit(folder_of(table), [row("c")])
    newest = table_in(folder_of(table))
    assert newest.small_files("m-000000000001") == 2
    assert newest.compact() == Compaction(merged=2, written=1)
    assert (newest.version, newest.small_files("m-000000000001"), newest.small_files(OTHER)) == (4, 1, 1)
    assert newest.compact() == Compaction(0, 0) and newest.version == 4


def test_automatic_compaction_waits_for_many_small_files(table: ScoreTable, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(folder_of(table), [row("c")])
    newest = table_in(folder_of(table))
    monkeypatch.setattr(maintenance, "_MANY_FILES", 3)
    assert not newest.compact_if_it_pays("m-000000000001") and newest.version == 3
    monkeypatch.setattr(maintenance, "_MANY_FILES", 2)
    assert newest.compact_if_it_pays("m-000000000001") and newest.version == 4


def test_a_vacuum_deletes_only_what_is_named_like_a_data_file(table: ScoreTable) -> None:
    folder = folder_of(table)
    kept = data_files(table)
    litter = folder / "model_id=m-000000000001" / "part-killed.parquet"
    others = [
        folder / "lesion.jpg",
        folder / "export.parquet",
        folder / "bundle" / "part-0.parquet",
        folder / "model_id=m-000000000001" / "lesion.jpg",
        folder / "_staging" / "f00d" / "000000.arrow",
    ]
    for path in (litter, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"xy")
    assert table.vacuum_at_once() == Removal(files=1, size=2)
    assert not litter.exists() and all(path.exists() for path in (*others, *kept))
    assert table.version == 2


def test_a_vacuum_that_died_before_any_removal_is_completed_by_another(table: ScoreTable) -> None:
    kept, folder = data_files(table), folder_of(table) / "model_id=m-000000000001"
    rows = names(folder_of(table))
    for step in (1, 2, 3):
        for number in range(3):
            (folder / f"part-killed-{number}.parquet").write_bytes(b"xy")
        process = start(clean_up_that_dies, step, folder_of(table))
        process.join()
        assert process.exitcode == DIED
        assert set(kept) < set(data_files(table)) and names(folder_of(table)) == rows
        assert 1 <= table.vacuum_at_once().files <= 3
        assert data_files(table) == kept and names(folder_of(table)) == rows


def test_a_vacuum_minds_the_retention_and_a_dry_run_deletes_nothing(table: ScoreTable) -> None:
    replaced = data_files(table)
    table.rewrite_without(pa.array(["file:///archive/DOE-b.jpg"]))
    assert table.vacuum(RETENTION_DAYS, dry_run=False) == Removal(0, 0)
    litter = folder_of(table) / "model_id=m-000000000001" / "part-killed.parquet"
    litter.write_bytes(b"xyz")
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(litter, (long_ago, long_ago))
    assert table.vacuum(RETENTION_DAYS, dry_run=True) == Removal(1, 3) and litter.exists()
    assert table.vacuum(RETENTION_DAYS, dry_run=False) == Removal(1, 3) and not litter.exists()
    size = sum(path.stat().st_size for path in replaced)  # all of them are still there
    assert table.vacuum_at_once(dry_run=True) == Removal(2, size) and all(path.exists() for path in replaced)
    assert table.vacuum_at_once() == Removal(2, size)
    assert table.vacuum_at_once() == Removal(0, 0)  # they are in the log for a week


def test_a_retention_that_is_too_short_is_refused(table: ScoreTable) -> None:
    with pytest.raises(UsageError, match=r"a retention of 6 days is too short, .*; give at least 7"):
        table.vacuum(6, dry_run=True)


def test_a_rewrite_drops_every_row_of_a_photograph_and_its_name_with_the_old_files(table: ScoreTable) -> None:
    table.rewrite_without(pa.array(["file:///archive/DOE-a.jpg", "file:///archive/DOE-unknown.jpg"]))
    table.vacuum_at_once()
    assert names(folder_of(table)) == ["DOE-b"]
    assert table.holds("one") and table.holds("two")
    for path in folder_of(table).rglob("*"):
        assert path.is_dir() or b"DOE-a" not in path.read_bytes()


def test_a_rewrite_can_empty_the_table(table: ScoreTable) -> None:
    table.rewrite_without(pa.array([f"file:///archive/DOE-{name}.jpg" for name in "ab"]))
    assert table.rows(["image_id"]).num_rows == 0 and table.models() == []


def test_rows_that_a_run_commits_before_a_change_stay(table: ScoreTable) -> None:
    commit(folder_of(table), [row("c")], run_id="three")
    table.rewrite_without(pa.array(["file:///archive/DOE-a.jpg"]))
    assert names(folder_of(table)) == ["DOE-b", "DOE-c"]


@pytest.mark.parametrize("change", ["compact", "rewrite"])
def test_a_damaged_data_file_stops_a_change_and_is_named(table: ScoreTable, change: str) -> None:
    commit(folder_of(table), [row("c")])
    newest, file = table_in(folder_of(table)), data_files(table)[0]
    file.write_bytes(b"junk" * 1000)
    with pytest.raises(
        UsageError, match=rf"a data file of the score table is damaged \({file.parent.name}/{file.name}"
    ):
        newest.compact() if change == "compact" else newest.rewrite_without(pa.array(["x"]))
    assert newest.version == table_in(folder_of(table)).version == 3


def test_a_refused_change_leaves_the_table_at_its_version(table: ScoreTable) -> None:
    log = folder_of(table) / "_delta_log"
    (log / f"{3:020}.json").mkdir()  # no commit can be written under this name
    with pytest.raises(NothingCommittedError, match="the score table could not be changed"):
        table.promote(OTHER)
    (log / f"{3:020}.json").rmdir()
    assert table.version == 2 and table.promoted() == "m-000000000001"


def test_every_change_needs_a_table(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    for change in (table.compact, table.vacuum_at_once, lambda: table.promote("m"), lambda: table.delete_model("m")):
        with pytest.raises(UsageError, match="no score table there"):
            change()
    assert not table.compact_if_it_pays("m") and not list(tmp_path.iterdir())


def test_a_vacuum_keeps_what_was_committed_after_the_table_was_opened(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    opened = table_in(tmp_path)
    commit(tmp_path, [row("b")], run_id="two")
    assert opened.vacuum_at_once() == Removal(0, 0)
    assert names(tmp_path) == ["DOE-a", "DOE-b"]


def test_a_refreshed_table_stands_at_the_newest_version(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    opened = table_in(tmp_path)
    newest = commit(tmp_path, [row("b")], run_id="two")
    assert opened.version == newest - 1
    opened.refresh()
    assert opened.version == newest
    with pytest.raises(UsageError, match="no score table"):
        table_in(tmp_path / "none").refresh()


def test_a_vacuum_deletes_what_was_being_written_when_a_run_was_killed(table: ScoreTable) -> None:
    folder = folder_of(table) / "model_id=m-000000000001"
    left = folder / ".part-00000-0-c000.zstd.parquet.0123abcd.tmp"
    others = [folder / ".notes.tmp", folder_of(table) / left.name]
    for path in (left, *others):
        path.write_bytes(b"xyz")
    assert table.vacuum(RETENTION_DAYS, dry_run=False) == Removal(0, 0) and left.exists()
    assert table.vacuum_at_once() == Removal(1, 3)
    assert not left.exists() and all(path.exists() for path in others)


def test_files_of_a_compaction_and_a_deletion_have_checksums_too(table: ScoreTable) -> None:
    """What an earlier version has written without any gets them once it is written anew."""
    folder = folder_of(table)
    write_deltalake(str(folder), table.rows(table.columns().names), mode="overwrite")
    assert not any(map(has_checksums, current_files(folder)))
    commit(folder, [row("c", run_date=datetime.date(2030, 1, 1))])
    newest = table_in(folder)
    assert newest.compact() == Compaction(merged=2, written=1)
    assert sorted(map(has_checksums, current_files(folder))) == [False, True]
    assert newest.delete_before(datetime.date(2030, 1, 1)).rows == 3
    assert list(map(has_checksums, current_files(folder))) == [True]
    assert names(folder) == ["DOE-c"]
    newest.rewrite_without(pa.array(["file:///archive/DOE-b.jpg"]))
    assert list(map(has_checksums, current_files(folder))) == [True]
    assert [version.what for version in newest.history()][:4] == [
        "forgotten", "deleted rows of runs before 2030-01-01", "promoted m-000000000001", "compacted",
    ]  # fmt: skip


def current_files(folder: Path) -> list[Path]:
    return [folder / name for name in DeltaTable(str(folder)).file_uris()]


def has_checksums(path: Path) -> bool:
    """Tells by flipping the last bit of the last page of a file, which belongs to its values."""
    group, sound = pq.ParquetFile(path).metadata.row_group(0), path.read_bytes()
    column = group.column(group.num_columns - 1)
    damaged = bytearray(sound)
    damaged[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 1
    path.write_bytes(damaged)
    try:
        pq.ParquetFile(path, page_checksum_verification=True).read()
    except OSError as error:
        return "CRC checksum verification failed" in str(error)
    finally:
        path.write_bytes(sound)
    return False


def test_a_deletion_by_age_leaves_other_files_alone(table: ScoreTable) -> None:
    folder = folder_of(table)
    commit(folder, [row("c", run_date=datetime.date(2030, 1, 1)), row("d")])
    commit(folder, [row("e", run_date=datetime.date(2030, 1, 1))])
    before = set(current_files(folder))
    newest = table_in(folder)
    newest.promote("m-000000000001")
    assert newest.delete_before(datetime.date(2030, 1, 1)).rows == 4
    assert names(folder) == ["DOE-c", "DOE-e"] and len(before & set(current_files(folder))) == 1
