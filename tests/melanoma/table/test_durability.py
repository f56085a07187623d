"""Which files and folders are written through to the disk."""

from pathlib import Path

import pytest

from melanoma.table import durability
from melanoma.table.durability import sync_commits
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths that are written through, in order; the real call still happens."""
    paths, sync = list[Path](), durability.sync

    def note(path: str) -> None:
        paths.append(Path(path))
        sync(path)

    monkeypatch.setattr(durability, "sync", note)
    return paths


def log(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020}.json"


def test_a_commit_is_written_through_with_its_data_before_its_folders(tmp_path: Path, synced: list[Path]) -> None:
    table = tmp_path / "out"
    commit(table, [row("a"), row("b", model_id="m-000000000002")])
    data = set(table.glob("model_id=*/*.parquet"))
    assert len(data) == 2
    files = {*data, log(table, 0), log(table, 1)}
    assert set(synced[: len(files)]) == files
    assert set(synced[len(files) :]) == {path.parent for path in files} | {table, tmp_path}


def test_only_the_versions_of_the_commit_are_written_through(tmp_path: Path, synced: list[Path]) -> None:
    commit(tmp_path, [row("a")])
    commit(tmp_path, [row("b")])
    synced.clear()
    commit(tmp_path, [row("c")])
    assert {path for path in synced if path.suffix == ".json"} == {log(tmp_path, 2), log(tmp_path, 3)}


def test_logs_and_data_files_that_a_clean_up_removed_are_skipped(tmp_path: Path, synced: list[Path]) -> None:
    for name in "ab":
        commit(tmp_path, [row(name)])
    table_in(tmp_path).compact()
    table_in(tmp_path).vacuum_at_once()
    log(tmp_path, 0).unlink()
    synced.clear()
    sync_commits(str(tmp_path), 0, 3)
    assert {path for path in synced if path.suffix == ".json"} == {log(tmp_path, version) for version in (1, 2, 3)}
    assert {path for path in synced if path.suffix == ".parquet"} == set(tmp_path.glob("model_id=*/*.parquet"))


def test_data_files_with_escaped_names_are_found(tmp_path: Path, synced: list[Path]) -> None:
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "model_id=m-1").mkdir()
    (tmp_path / "model_id=m-1" / "a b.parquet").write_bytes(b"x")
    log(tmp_path, 0).write_text('{"commitInfo": {}}\n{"add": {"path": "model_id=m-1/a%20b.parquet"}}\n')
    sync_commits(str(tmp_path), 0, 0)
    assert tmp_path / "model_id=m-1" / "a b.parquet" in synced
