"""A staged file is as it was written, or it is not there."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from melanoma import storage
from melanoma.errors import MAY_HEAL, OF_DECODER, ErrorKind, PhotographError, UsageError
from melanoma.model.bundle import Bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs import deferred, staging
from melanoma.runs.announcement import Announcement, announce, announced
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run
from melanoma.runs.unkeyed_files import read_unkeyed, sealed_unkeyed
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers import ROOT
from tests.helpers.built_rows import ROWS, loaded, table_of
from tests.helpers.outputs import layout_of
from tests.helpers.planned_runs import digest, ref, rows_of, run_on


def test_a_staged_chunk_comes_back_as_it_was_written(run: Run, bundle: Bundle) -> None:
    table = table_of(run, bundle)
    staging.write_chunk(run, 7, table)
    staging.write_chunk(run, 7, table)
    staging.write_chunk(run, 8, table.slice(0, 0))
    first, second = staging.staged_files(run)
    assert first == staging.chunk_uri(run, 7) and second == staging.chunk_uri(run, 8)
    found = staging.read_chunk(run, first)
    assert found is not None and found.equals(table) and found.schema.equals(run.schema)
    assert staging.staged_rows(run, first) == 2 and staging.staged_rows(run, second) == 0


def test_a_staged_chunk_that_is_not_as_it_was_written_is_not_there(run: Run, bundle: Bundle) -> None:
    uri = staging.chunk_uri(run, 0)
    assert staging.read_chunk(run, uri) is None and staging.staged_rows(run, uri) == 0
    staging.write_chunk(run, 0, table_of(run, bundle))
    whole = storage.read_bytes(uri)
    other = score_schema(bundle.slugs)
    assert staging.read_chunk(replace(run, schema=other), uri) is None
    damaged = [b"", b"x", whole[:-1], whole[: len(whole) // 2], whole + b"\0", bytes(len(whole))]
    damaged += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 101)]
    for data in damaged:
        storage.write_bytes(uri, data)
        assert staging.read_chunk(run, uri) is None and staging.staged_rows(run, uri) == 0
    storage.write_bytes(uri, whole)
    assert staging.read_chunk(run, uri) is not None


def later(run: Run, run_id: str) -> Run:
    return replace(run, run_id=run_id)


def test_what_others_staged_is_given_without_what_may_have_healed(run: Run, bundle: Bundle) -> None:
    killed = later(run, "20260101T000000Z-aaaaaaaa")
    builder = RowBuilder(killed, bundle)
    builder.add_scored([loaded("scored")], ModelOutput(ROWS[:1]))
    for kind in ErrorKind:
        builder.add_failed([loaded(kind.value, error=PhotographError(kind, "for a test"))])
    staging.write_chunk(killed, 0, builder.table())
    staging.write_chunk(run, 0, table_of(run, bundle))
    (rows,) = staging.foreign_rows(run)
    expected = ["id of scored", *(f"id of {kind.value}" for kind in ErrorKind if kind not in MAY_HEAL | OF_DECODER)]
    assert rows["image_id"].to_pylist() == expected
    assert list(staging.foreign_rows(replace(run, fingerprint="0" * 16))) == []


@pytest.mark.parametrize(
    ("scored_by", "is_adopted"),
    [
        ("onnxruntime-1.32.0-f32", True),
        ("onnxruntime-1.32.0-f32-cuda", True),
        ("", True),  # only failures, which no network has seen
        ("onnxruntime-1.33.0-f32", False),
        ("openvino-1.32.0-f32", False),
    ],
)
def test_what_another_engine_scored_is_not_given(run: Run, bundle: Bundle, scored_by: str, is_adopted: bool) -> None:
    """A run whose engine cannot be loaded on a worker goes on with the next one."""
    killed = later(run, "20260101T000000Z-aaaaaaaa")
    staging.write_chunk(killed, 0, table_of(run, bundle), scored_by)
    assert len(list(staging.foreign_rows(replace(run, engine="onnxruntime-1.32.0-f32")))) == is_adopted
    assert len(list(staging.foreign_rows(replace(run, engine="")))) == 1


def test_cleaning_spares_runs_of_any_model_that_started_within_a_week(run: Run, bundle: Bundle) -> None:
    now = later(run, "20260310T120000Z-00000000")
    ages = {"20260303T120001Z-11111111": True, "20260303T115959Z-22222222": False, "20260311T000000Z-33333333": True}
    for run_id in [*ages, now.run_id]:
        staging.write_chunk(later(run, run_id), 0, table_of(run, bundle))
    other_model = replace(later(run, "20260303T115959Z-44444444"), fingerprint="0" * 16)
    staging.write_chunk(other_model, 0, table_of(run, bundle))
    announce(now, Announcement(5))
    staging.clean(now)
    assert staging.staged_files(other_model) == []
    left = {uri.rsplit("/", 2)[1] for run_id in ages for uri in staging.staged_files(later(run, run_id))}
    assert left == {run_id for run_id, kept in ages.items() if kept}
    assert staging.staged_files(now) == [] and announced(now) is None


def test_staged_rows_are_no_rows_of_the_table(run: Run, bundle: Bundle) -> None:
    staging.write_chunk(run, 0, table_of(run, bundle))
    assert ScoreTable.open(run.layout).version is None
    with pytest.raises(UsageError, match="no score table there"):
        ScoreTable.open(run.layout).dataset()


EARLIER = ROOT / "tests" / "data" / "version-0.1" / "table" / "_staging" / "2f6fa7b09aa21b77"


def test_staged_files_of_an_earlier_version_are_read_and_written_alike(tmp_path: Path) -> None:
    folder = tmp_path / "_staging" / EARLIER.name
    shutil.copytree(EARLIER, folder)
    (killed,) = (path.name for path in folder.iterdir() if path.is_dir())
    slugs = ("melanoma", "nevus", "basal_cell_carcinoma")
    values = {"fingerprint": EARLIER.name, "model_id": "m-357070446da4", "schema": score_schema(slugs)}
    run = run_on(tmp_path, **values)
    staging.prepare(run.layout)
    tables = list(staging.foreign_rows(run))
    assert sum(table.num_rows for table in tables) == 11 and announced(later(run, killed)) is not None
    for path in sorted(EARLIER.rglob("*.arrow")):
        table = read_unkeyed(path.read_bytes())
        assert table is not None and sealed_unkeyed(table) == path.read_bytes()
        assert any(found.equals(table) for found in tables)


def test_an_unkeyed_file_is_believed_once_and_never_again(tmp_path: Path) -> None:
    """Anybody who can write to the folder can make one; when a key is made, the earlier version may have left some."""
    killed, run = run_on(tmp_path), run_on(tmp_path, day=1)
    uri, rows = staging.chunk_uri(killed, 0), rows_of(killed, [ref("a")])
    storage.write_bytes(uri, sealed_unkeyed(rows))
    assert [table.num_rows for table in staging.foreign_rows(run)] == [1], "as a dry run counts it"
    staging.prepare(run.layout)
    assert [table.num_rows for table in staging.foreign_rows(run)] == [1]
    forged = staging.chunk_uri(killed, 1)
    storage.write_bytes(forged, sealed_unkeyed(rows_of(killed, [ref("b")])))
    staging.prepare(run.layout)
    assert staging.read_chunk(run, forged) is None
    assert [table["image_id"].to_pylist() for table in staging.foreign_rows(run)] == [["a"]]


def test_a_sealed_file_counts_only_where_it_was_staged(tmp_path: Path) -> None:
    killed, run = run_on(tmp_path), run_on(tmp_path, day=1)
    staging.write_chunk(killed, 0, rows_of(killed, [ref("a")]))
    whole = storage.read_bytes(staging.chunk_uri(killed, 0))
    for uri in (staging.chunk_uri(killed, 1), staging.chunk_uri(run, 0)):
        storage.write_bytes(uri, whole)
        assert staging.read_chunk(run, uri) is None
    storage.write_bytes(run.layout.staging_key, b"0" * 64)
    assert staging.read_chunk(run, staging.chunk_uri(killed, 0)) is None


def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    storage.write_bytes(run.layout.staging_key, b"not a key")
    for attempt in (
        lambda: staging.prepare(run.layout),
        lambda: staging.write_chunk(run, 0, rows_of(run, [ref("a")])),
        lambda: list(staging.foreign_rows(run)),
    ):
        with pytest.raises(UsageError, match="staging_key: is damaged, expected 64 hex digits; remove it"):
            attempt()
    assert storage.read_bytes(run.layout.staging_key) == b"not a key"


def test_a_file_that_is_no_regular_one_or_huge_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_on(tmp_path)
    staging.write_chunk(run, 0, rows_of(run, [ref("a")]))
    (path,) = tmp_path.rglob("*.arrow")
    os.mkfifo(path.with_name("000001.arrow"))
    path.with_name("000002.arrow").symlink_to(path)
    for number in (1, 2):
        assert staging.read_chunk(run, staging.chunk_uri(run, number)) is None
    monkeypatch.setattr(staging, "_MAX_BYTES", path.stat().st_size - 1)
    assert staging.read_chunk(run, staging.chunk_uri(run, 0)) is None


def test_rows_of_another_model_in_the_wrong_folder_are_not_resumed(tmp_path: Path) -> None:
    killed, run = run_on(tmp_path, model_id="m-000000000002"), run_on(tmp_path, day=1)
    staging.write_chunk(killed, 0, rows_of(killed, [ref("a")]))
    assert [table.num_rows for table in staging.foreign_rows(run)] == [0]
    assert [table.num_rows for table in staging.foreign_rows(run_on(tmp_path, day=1, model_id=killed.model_id))] == [1]


def test_everything_that_is_staged_is_listed_and_nothing_else(tmp_path: Path) -> None:
    assert staging.everything(layout_of(tmp_path / "nothing")) == []
    run = run_on(tmp_path)
    staging.write_chunk(run, 3, rows_of(run, [ref("a")]))
    announce(run, Announcement(1))
    deferred.write(run, {digest(ref("b"))})
    (tmp_path / "_reports").mkdir()
    (tmp_path / "_reports" / "000000.arrow").write_bytes(b"")
    folder = f"{run.layout.staging}/{run.fingerprint}/"
    found = [uri.removeprefix(folder) for uri in staging.everything(run.layout)]
    assert found == [f"{run.run_id}/000003.arrow", f"{run.run_id}/images.txt", "leftovers"]
    assert staging.staged_files(run) == [staging.chunk_uri(run, 3)]


def test_a_file_of_rows_without_the_seal_is_not_believed(tmp_path: Path) -> None:
    """Another program, or a hostile one, may have written whole Arrow rows."""
    run = run_on(tmp_path)
    rows = rows_of(run, [ref("a")])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    storage.write_bytes(staging.chunk_uri(run, 0), bytes(sink.getvalue()))
    assert staging.read_chunk(run, staging.chunk_uri(run, 0)) is None
