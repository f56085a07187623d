"""One suite over every kind of store: what is written under a name is listed and read under that name."""

import errno
import os
import threading
import zipfile
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from tests.helpers import refusing
from tests.helpers.odd_names import NAMES


def test_odd_names_come_back_byte_for_byte(filled: str) -> None:
    listed = list(storage.list_files(filled))
    contents = {storage.read_bytes(file.uri, file).decode() for file in listed}
    assert contents == set(NAMES)
    for file in listed:
        assert storage.read_bytes(file.uri).decode().endswith(storage.name_of(file.uri))
        assert storage.canonical(file.uri) == file.uri
        assert file.size == len(storage.read_bytes(file.uri))
        assert file.version


@pytest.mark.usefixtures("one_try")
def test_a_stale_file_handle_fails_one_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "DOE_JANE.jpg").write_bytes(b"x")
    listed = storage.stat(str(tmp_path / "DOE_JANE.jpg"))

    def stale(path: str) -> None:
        raise OSError(errno.ESTALE, "Stale file handle", path)

    monkeypatch.setattr(os, "stat", stale)
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.STORE_UNAVAILABLE and "DOE" not in str(caught.value)


def test_a_missing_file_is_reported_as_missing(filled: str) -> None:
    plain = next(file.uri for file in storage.list_files(filled) if "plain.jpg" in file.uri)
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(plain.replace("plain", "absent"))
    assert caught.value.kind is ErrorKind.MISSING


def test_a_file_overwritten_after_the_listing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    listed = storage.stat(str(path))
    path.write_bytes(b"new and longer")
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed.uri, listed)
    assert caught.value.kind is ErrorKind.CHANGED


def test_a_local_file_overwritten_with_as_many_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    listed = storage.stat(str(path))
    path.write_bytes(b"new")
    os.utime(path, (1, 1))
    with pytest.raises(ReadError):
        storage.read_bytes(listed.uri, listed)


def test_bytes_of_two_versions_are_never_mixed(tmp_path: Path) -> None:
    path, size = tmp_path / "a.jpg", 8 * 2**20
    outcomes = set()
    for _ in range(30):
        path.write_bytes(b"a" * size)
        os.utime(path, (1, 1))
        listed = storage.stat(str(path))
        writer = threading.Thread(target=path.write_bytes, args=(b"b" * size,))
        writer.start()
        try:
            outcomes.add(bytes(set(storage.read_bytes(listed.uri, listed))))
        except ReadError as error:
            assert error.kind is ErrorKind.CHANGED
        writer.join()
    assert outcomes <= {b"a"}


@pytest.mark.usefixtures("one_try")
def test_a_failed_write_leaves_no_trace_and_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    storage.write_bytes(str(tmp_path / "a"), b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NothingCommittedError, match="No space left"):
        storage.write_bytes(str(tmp_path / "a"), b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_zip_members_are_never_extracted_and_damaged_ones_are_corrupt(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../evil.jpg", b"evil")
        file.writestr("damaged.jpg", b"0123456789")
    archive.write_bytes(archive.read_bytes().replace(b"0123456789", b"0123456780"))
    listed = {storage.name_of(file.uri): file for file in storage.list_files(f"zip://{archive}")}
    assert storage.read_bytes(listed["evil.jpg"].uri) == b"evil"
    assert not (tmp_path.parent / "evil.jpg").exists()
    with pytest.raises(ReadError) as caught:
        storage.read_bytes(listed["damaged.jpg"].uri)
    assert caught.value.kind is ErrorKind.CORRUPT


def test_a_file_is_written_replaced_measured_and_removed(writable: str) -> None:
    uri = storage.join(writable, "deep", "a b#c.bin")
    assert not storage.exists(uri) and storage.size_of(uri) == 0
    for data in (b"first", b"", b"third"):
        storage.write_bytes(uri, data)
        assert storage.read_bytes(uri) == data
        assert storage.exists(uri) and storage.size_of(uri) == len(data)
    storage.erase(uri)
    assert not storage.exists(uri)
    storage.erase(uri)


def test_a_created_file_is_never_replaced(writable: str) -> None:
    uri = storage.join(writable, "key")
    storage.create_bytes(uri, b"first")
    storage.create_bytes(uri, b"second")
    assert storage.read_bytes(uri) == b"first"


def test_a_folder_is_removed_with_everything_in_it(writable: str) -> None:
    for name in ("a/1", "a/b/2", "ab/3"):
        storage.write_bytes(storage.join(writable, name), b"x")
    storage.remove(storage.join(writable, "a"))
    storage.remove(storage.join(writable, "absent"))
    assert [storage.name_of(file.uri) for file in storage.list_files(writable)] == ["3"]


def test_a_local_file_is_put_in_its_place(writable: str, tmp_path: Path) -> None:
    uri, source = storage.join(writable, "target"), tmp_path / "source"
    storage.write_bytes(uri, b"old")
    source.write_bytes(b"new")
    storage.put_file(uri, str(source))
    assert storage.read_bytes(uri) == b"new"


@pytest.mark.usefixtures("one_try")
def test_a_failed_creation_is_reported_unless_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*paths: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "there").write_bytes(b"first")
    monkeypatch.setattr(os, "link", fail)
    storage.create_bytes(str(tmp_path / "there"), b"second")
    with pytest.raises(NothingCommittedError, match="absent: cannot be written: the store failed"):
        storage.create_bytes(str(tmp_path / "absent"), b"second")
    with pytest.raises(NothingCommittedError, match="moved: cannot be written: the store has no such file"):
        storage.put_file(str(tmp_path / "moved"), str(tmp_path / "no source"))


def test_a_file_that_stays_after_its_removal_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(LocalFileSystem, "rm", refusing("a", LocalFileSystem.rm, PermissionError(13, "x")))
    with pytest.raises(NothingCommittedError, match=r"/a: cannot be removed; fix the permissions"):
        storage.erase(str(tmp_path / "a"))


def test_a_file_whose_removal_cannot_be_checked_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(LocalFileSystem, "info", refusing("a", LocalFileSystem.info, PermissionError(13, "x")))
    with pytest.raises(NothingCommittedError, match="the file may still exist, try again"):
        storage.erase(str(tmp_path / "a"))


def test_pipes_folders_and_names_that_are_not_unicode_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", tmp_path):
        with pytest.raises(ReadError) as caught:
            storage.read_bytes(str(path))
        assert (caught.value.kind, caught.value.detail) == (ErrorKind.UNSUPPORTED_FORMAT, "a folder, pipe or device")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    (listed,) = storage.list_files(str(tmp_path / "bad"))
    with pytest.raises(ReadError, match="the name is not Unicode; rename the file"):
        storage.read_bytes(listed.uri, listed)
