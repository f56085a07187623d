"""What an erasure finds: the photographs of a list, their rows, and their bytes, wherever they are still known."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.operations.erasure_search import find, read_uris
from tests.helpers import fill
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, failed, row


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


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_bytes_come_from_the_rows_of_every_version_and_from_the_store(tmp_path: Path) -> None:
    (path,) = fill(tmp_path / "in", 1)
    uri = f"file://{path}"
    rows = [
        row("1", image_uri=uri, image_version="1", image_sha256="aa" * 32, width=60),
        row("2", image_uri=uri, image_version="2", image_sha256="bb" * 32, width=60),
    ]
    commit(tmp_path / "out", rows)
    found = find(table_in(tmp_path / "out"), [uri])
    assert found.contents == {"aa" * 32, "bb" * 32, sha256_of(path)}
    assert (found.asked, found.unknown, found.unread, found.rows, found.copied_rows) == (1, 0, 0, 2, 0)


def test_a_photograph_that_only_the_table_or_only_the_store_knows_is_known_by_its_bytes(tmp_path: Path) -> None:
    (path,) = fill(tmp_path / "in", 1)
    commit(tmp_path / "out", [row("gone", image_sha256="aa" * 32, width=60), failed("never read", image_sha256=None)])
    uris = [row("gone")["image_uri"], f"file://{path}", row("never read")["image_uri"], "nosuch://x/c.jpg"]
    found = find(table_in(tmp_path / "out"), uris)
    assert found.contents == {"aa" * 32, sha256_of(path)}
    assert (found.asked, found.unknown, found.unread, found.rows) == (4, 2, 2, 2)


def test_a_member_of_an_archive_is_read_too(tmp_path: Path) -> None:
    (path,) = fill(tmp_path / "in", 1)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(path, "deep/a.jpg")
    commit(tmp_path / "out", [row("stays")])
    found = find(table_in(tmp_path / "out"), [f"zip://deep/a.jpg::file://{tmp_path}/in.zip"])
    assert (found.contents, found.unread) == ({sha256_of(path)}, 0)


def test_bytes_that_are_no_photograph_belong_to_nobody(tmp_path: Path) -> None:
    """Otherwise all empty files would be forgotten with one of them."""
    (tmp_path / "empty.jpg").write_bytes(b"")
    nothing = hashlib.sha256(b"").hexdigest()
    uri = f"file://{tmp_path}/empty.jpg"
    commit(tmp_path / "out", [failed("1", image_uri=uri, image_sha256=nothing), failed("2", image_sha256=nothing)])
    found = find(table_in(tmp_path / "out"), [uri])
    assert (found.contents, found.unread, found.rows, found.copies) == (frozenset(), 1, 1, frozenset())


def test_copies_are_found_in_the_table_by_their_bytes(tmp_path: Path) -> None:
    (path,) = fill(tmp_path / "in", 1)
    same = {"image_sha256": sha256_of(path), "width": 60}
    commit(tmp_path / "out", [row("copy", **same), row("copy", attempt=2, **same), row("other")])
    found = find(table_in(tmp_path / "out"), [str(path), f"file://{path}"])
    assert (found.copies, found.copied_rows, found.rows, found.all_rows) == ({row("copy")["image_uri"]}, 2, 0, 2)
    assert found.names == {str(path), f"file://{path}", row("copy")["image_uri"]}
