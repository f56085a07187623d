"""Pseudonyms of photographs, under the key of a table."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma.errors import ReadError, UsageError
from melanoma.storage import filesystems
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers import refusing
from tests.helpers.outputs import layout_of

URI = "file:///archive/DOE-JANE.jpg"


def test_pseudonyms_are_keyed_hashes_of_the_uri() -> None:
    key = bytes(range(32))
    expected = hmac.new(key, URI.encode(), hashlib.sha256).hexdigest()
    assert Pseudonyms(key).full(URI) == expected[:32]
    assert Pseudonyms(key).pseudonym(URI) == expected[:12]
    assert Pseudonyms(key[::-1]).pseudonym(URI) != expected[:12]


def test_the_key_is_created_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = Pseudonyms.of_table(layout_of(tmp_path))
    key = tmp_path / "_private" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key.read_text())) == 32
    content = key.read_text()
    assert Pseudonyms.of_table(layout_of(tmp_path)).full(URI) == first.full(URI)
    assert key.read_text() == content


def test_two_tables_name_a_photograph_differently(tmp_path: Path) -> None:
    one, other = (Pseudonyms.of_table(layout_of(tmp_path / name)) for name in ("a", "b"))
    assert one.pseudonym(URI) != other.pseudonym(URI)


def test_without_a_key_there_are_no_pseudonyms_and_none_is_created(tmp_path: Path) -> None:
    assert Pseudonyms.known_to(layout_of(tmp_path)) is None
    assert not list(tmp_path.iterdir())


def test_a_key_that_only_its_owner_may_read_is_a_mistake_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pseudonyms.of_table(layout_of(tmp_path))
    refuse = refusing("/key", LocalFileSystem.cat_file, PermissionError(13, "Permission denied"))
    monkeypatch.setattr(LocalFileSystem, "cat_file", refuse)
    with pytest.raises(UsageError, match=r"_private/key: only its owner may read it.*ask whoever runs the nightly job"):
        Pseudonyms.known_to(layout_of(tmp_path))


def test_a_store_that_does_not_return_the_key_is_not_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pseudonyms.of_table(layout_of(tmp_path))
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    monkeypatch.setattr(LocalFileSystem, "cat_file", refusing("/key", LocalFileSystem.cat_file, OSError(5, "I/O")))
    with pytest.raises(ReadError):
        Pseudonyms.known_to(layout_of(tmp_path))


@pytest.mark.parametrize("key", [b"", b"xyz", b"\xff" * 64, b"ab" * 31, b"0" * 65, b"ab\ncd"])
def test_a_damaged_key_is_an_error_that_does_not_quote_it(tmp_path: Path, key: bytes) -> None:
    layout = layout_of(tmp_path)
    Pseudonyms.of_table(layout)
    (tmp_path / "_private" / "key").write_bytes(key)
    for read in (Pseudonyms.of_table, Pseudonyms.known_to):
        with pytest.raises(UsageError, match=r"_private/key: is damaged, expected 64 hex digits; restore") as caught:
            read(layout)
        assert not key or key.decode("latin-1") not in str(caught.value)
