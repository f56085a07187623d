"""After an erasure no byte under the output names the photograph, and no run scores it again."""

from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.operations.erasure import Erased, erase, read_uris
from melanoma.table.forgotten import Forgotten
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, row


def bytes_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_every_spelling_of_a_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "uris.txt").write_text(f"{tmp_path}/a.jpg\r\n\n  s3://bucket/b.jpg \nnosuch://x/c.jpg\n", "utf-8")
    assert set(read_uris(str(tmp_path / "uris.txt"))) >= {
        f"{tmp_path}/a.jpg",
        f"file://{tmp_path}/a.jpg",
        "s3://bucket/b.jpg",
        "  s3://bucket/b.jpg ",
        "nosuch://x/c.jpg",
    }


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "uris.txt").write_bytes("\ufefffile:///a.jpg".encode())
    assert read_uris(str(tmp_path / "uris.txt")) == ["file:///a.jpg"]


@pytest.mark.parametrize(
    ("data", "message"), [(b"\n  \n", "lists no photographs"), (b"\xff\xfe", "cannot be read"), (None, "cannot be")]
)
def test_a_file_without_a_name_is_refused(tmp_path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / "uris.txt").write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_uris(str(tmp_path / "uris.txt"))


def test_rows_files_and_staged_files_are_deleted_and_others_kept(tmp_path: Path) -> None:
    commit(tmp_path, [row("gone"), row("stays")])
    layout, uri = layout_of(tmp_path), row("gone")["image_uri"]
    for number, name in enumerate((uri, row("stays")["image_uri"])):
        path = Path(layout.chunk("f", "20260102T030405Z-00000000", number).removeprefix("file://"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows of " + name.encode())
    assert erase(table_in(tmp_path), [uri, "file:///never/seen.jpg"]) == Erased(2, 1, 1, 1, 1)
    assert b"DOE-gone" not in bytes_under(tmp_path)
    assert table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist() == ["DOE-stays"]
    forgotten = Forgotten.read(layout)
    assert forgotten is not None and uri in forgotten and row("stays")["image_uri"] not in forgotten


def test_all_deferred_lists_are_deleted(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    path = Path(layout_of(tmp_path).deferred("f").removeprefix("file://"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(16))
    assert erase(table_in(tmp_path), ["file:///never/seen.jpg"]).staged == 1
    assert not path.exists()


def test_erasing_twice_deletes_nothing_more(tmp_path: Path) -> None:
    commit(tmp_path, [row("gone"), row("stays")])
    uri = row("gone")["image_uri"]
    erase(table_in(tmp_path), [uri])
    left = sorted(tmp_path.rglob("*.parquet"))
    again = erase(table_in(tmp_path), [uri])
    assert (again.asked, again.unknown, again.rows, again.staged) == (1, 1, 0, 0)
    assert sorted(tmp_path.rglob("*.parquet")) == left


def test_erasing_from_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score table"):
        erase(ScoreTable.open(layout_of(tmp_path)), ["file:///a.jpg"])


def test_rows_committed_after_the_table_was_opened_are_kept(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b")], run_id="one")
    opened = table_in(tmp_path)
    commit(tmp_path, [row("c")], run_id="two")
    erase(opened, [row("a")["image_uri"], "file:///not/in/the/table.jpg"])
    ids = table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist()
    assert sorted(ids) == ["DOE-b", "DOE-c"]


def test_a_photograph_committed_after_the_table_was_opened_is_erased_too(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="one")
    opened = table_in(tmp_path)
    commit(tmp_path, [row("b")], run_id="two")
    erased = erase(opened, [row("b")["image_uri"]])
    assert (erased.rows, erased.unknown) == (1, 0)
    assert b"DOE-b" not in bytes_under(tmp_path)
    assert table_in(tmp_path).rows(["image_id"])["image_id"].to_pylist() == ["DOE-a"]
