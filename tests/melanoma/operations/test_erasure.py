"""After an erasure no byte under the output names the photograph, and no run scores it again."""

from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.operations.erasure import Erased, erase, remember
from melanoma.operations.erasure_search import Found, find
from melanoma.table.forgotten import Forgotten
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SHA, commit, row


def forget(table: ScoreTable, uris: list[str]) -> tuple[Found, Erased]:
    found = remember(table, uris)
    return found, erase(table, found)


def bytes_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_rows_files_and_staged_files_are_deleted_and_others_kept(tmp_path: Path) -> None:
    commit(tmp_path, [row("gone"), row("stays")])
    layout, uri = layout_of(tmp_path), row("gone")["image_uri"]
    for number, name in enumerate((uri, row("stays")["image_uri"])):
        path = Path(layout.chunk("f", "20260102T030405Z-00000000", number).removeprefix("file://"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows of " + name.encode())
    found, erased = forget(table_in(tmp_path), [uri, "file:///never/seen.jpg"])
    assert (found.asked, found.unknown, found.rows, erased) == (2, 1, 1, Erased(files=1, staged=1))
    assert b"DOE-gone" not in bytes_under(tmp_path)
    assert table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist() == ["DOE-stays"]
    forgotten = Forgotten.read(layout)
    assert forgotten is not None and uri in forgotten and row("stays")["image_uri"] not in forgotten


def test_all_deferred_lists_are_deleted(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    path = Path(layout_of(tmp_path).deferred("f").removeprefix("file://"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(16))
    assert forget(table_in(tmp_path), ["file:///never/seen.jpg"])[1].staged == 1
    assert not path.exists()


def test_erasing_twice_deletes_nothing_more(tmp_path: Path) -> None:
    commit(tmp_path, [row("gone"), row("stays")])
    uri = row("gone")["image_uri"]
    forget(table_in(tmp_path), [uri])
    left = sorted(tmp_path.rglob("*.parquet"))
    found, again = forget(table_in(tmp_path), [uri])
    assert (found.asked, found.unknown, found.rows, again) == (1, 1, 0, Erased(0, 0))
    assert sorted(tmp_path.rglob("*.parquet")) == left


def test_erasing_from_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score table"):
        remember(ScoreTable.open(layout_of(tmp_path)), ["file:///a.jpg"])


def test_rows_committed_after_the_table_was_opened_are_kept(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b")], run_id="one")
    opened = table_in(tmp_path)
    commit(tmp_path, [row("c")], run_id="two")
    forget(opened, [row("a")["image_uri"], "file:///not/in/the/table.jpg"])
    ids = table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist()
    assert sorted(ids) == ["DOE-b", "DOE-c"]


def test_a_photograph_committed_after_the_table_was_opened_is_erased_too(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    opened = table_in(tmp_path)
    commit(tmp_path, [row("b")], run_id="two")
    found, _ = forget(opened, [row("b")["image_uri"]])
    assert (found.rows, found.unknown) == (1, 0)
    assert b"DOE-b" not in bytes_under(tmp_path)
    assert table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist() == ["DOE-a"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A table with a photograph, a copy of it under another name, and another photograph; the copy is staged too."""
    rows = [row("gone", image_sha256="aa" * 32, width=60), row("copy", image_sha256="aa" * 32, width=60), row("stays")]
    commit(tmp_path, rows)
    path = Path(layout_of(tmp_path).chunk("f", "20260102T030405Z-00000000", 0).removeprefix("file://"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a third name, and its digest " + b"aa" * 32)
    return tmp_path


def test_copies_under_other_names_are_erased_and_remembered_by_their_bytes(copied: Path) -> None:
    found, erased = forget(table_in(copied), [row("gone")["image_uri"]])
    assert (found.rows, found.copied_rows, found.copies) == (1, 1, {row("copy")["image_uri"]})
    assert erased == Erased(files=1, staged=1)
    assert b"DOE-gone" not in bytes_under(copied) and b"DOE-copy" not in bytes_under(copied)
    assert table_in(copied).rows(["image_id"])["image_id"].to_pylist() == ["DOE-stays"]
    forgotten = Forgotten.read(layout_of(copied))
    assert forgotten is not None and forgotten.has_content("aa" * 32) and not forgotten.has_content(SHA)
    # Its name may be given to another photograph.
    assert row("copy")["image_uri"] not in forgotten


def test_a_dry_run_counts_what_the_erasure_deletes_and_changes_nothing(copied: Path) -> None:
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    found = find(table_in(copied), [row("gone")["image_uri"]])
    counted = erase(table_in(copied), found, dry_run=True)
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before
    assert (found, counted) == forget(table_in(copied), [row("gone")["image_uri"]])


@pytest.mark.parametrize("steps", range(3))
def test_an_erasure_that_died_at_any_step_is_completed_by_a_further_call(copied: Path, steps: int) -> None:
    uris, table = [row("gone")["image_uri"]], table_in(copied)
    found = remember(table, uris) if steps else None
    if steps == 2 and found is not None:
        table.rewrite_without(pa.array(uris), pa.array(sorted(found.contents)))
    forget(table_in(copied), uris)
    assert b"DOE-gone" not in bytes_under(copied) and b"DOE-copy" not in bytes_under(copied)
    forgotten = Forgotten.read(layout_of(copied))
    assert forgotten is not None and forgotten.has_content("aa" * 32)
