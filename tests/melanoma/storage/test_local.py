"""A file on a local disk is complete or absent, even if writing it fails or is interrupted."""

import errno
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from melanoma.storage.local import create_file, move_file, replace_file, sync


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_a_file_is_written_with_its_folders_and_nothing_else(
    tmp_path: Path, write: Callable[[str, bytes], None]
) -> None:
    write(str(tmp_path / "deep" / "er" / "a"), b"data")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "deep",
        "deep/er",
        "deep/er/a",
    ]
    assert (tmp_path / "deep" / "er" / "a").read_bytes() == b"data"


def test_an_existing_file_is_replaced_whole_while_an_open_one_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace_file(str(path), b"old and long")
    with path.open("rb") as reader:
        replace_file(str(path), b"new")
        assert reader.read() == b"old and long"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_a_write_that_fails_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, bytes], None]
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(str(tmp_path / "a"), b"data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_flushed_is_left_to_its_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    replace_file(str(tmp_path / "a"), b"data")
    assert (tmp_path / "a").read_bytes() == b"data"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_file_that_cannot_be_flushed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fsync(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=os.strerror(code)):
        sync(str(tmp_path / "a"))


def test_a_created_file_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_file(str(path), b"first")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_file(str(path), b"second")
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]


def test_of_many_writers_that_create_one_file_exactly_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def create(number: int) -> bool:
        try:
            create_file(str(path), str(number).encode() * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, created in enumerate(pool.map(create, range(8))) if created]
    assert len(won) == 1 and path.read_bytes() == str(won[0]).encode() * 1000


def test_a_moved_file_replaces_its_target(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "target").write_bytes(b"old")
    move_file(str(tmp_path / "source"), str(tmp_path / "target"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"target": b"new"}
