"""What a user names as a target: files and new names pass, anything else is refused and stays what it is."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from melanoma import storage
from melanoma.errors import NothingCommittedError, UsageError


@pytest.fixture
def special(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A path at which something lies that is no regular file."""
    path = tmp_path / "target"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's name may have 108 bytes at most
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("target")
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "link to a device":
        path.symlink_to("/dev/null")
    elif request.param == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    else:
        return str(request.param)
    return str(path)


KINDS = {
    "pipe": "a pipe",
    "socket": "a socket",
    "folder": "a folder",
    "link to a device": "a device",
    "link to a pipe": "a pipe",
    "/dev/null": "a device",
    "/dev/stdout": "a standard stream",
    "/proc/self/fd/1": "a standard stream",
}


@pytest.mark.parametrize(("special", "kind"), KINDS.items(), indirect=["special"], ids=KINDS)
def test_what_is_no_file_is_refused_and_stays(special: str, kind: str) -> None:
    before = os.lstat(special)
    with pytest.raises(UsageError, match=f"is {kind}, not a file; choose another path$"):
        storage.file_target(special)
    assert os.path.samestat(os.lstat(special), before)


@pytest.mark.parametrize("special", ["pipe", "socket", "folder", "link to a pipe"], indirect=True)
def test_a_write_never_replaces_what_is_no_file(special: str) -> None:
    with pytest.raises(NothingCommittedError, match=r"cannot be written: a .* of that name is there$"):
        storage.write_bytes(storage.canonical(special), b"x")
    assert not stat.S_ISREG(Path(special).stat().st_mode)


def test_a_new_name_and_a_file_pass(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(b"old")
    for name in ("old.csv", "new.csv", "new/new.csv"):
        assert storage.file_target(str(tmp_path / name)) == f"file://{tmp_path}/{name}"


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    link, file = tmp_path / "latest.csv", tmp_path / "files" / "2026.csv"
    link.symlink_to("files/2026.csv")
    for text in (b"first", b"second"):  # the first time the link leads nowhere
        storage.write_bytes(storage.file_target(str(link)), text)
        assert link.is_symlink() and file.read_bytes() == text


def test_a_folder_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("", "link", "new", "new/newer"):
        assert storage.folder_target(str(tmp_path / name)) == storage.canonical(str(tmp_path / name))
    with pytest.raises(UsageError, match="file: is a file, not a folder"):
        storage.folder_target(str(tmp_path / "file"))


@pytest.mark.parametrize("check", [storage.file_target, storage.folder_target])
def test_a_path_below_a_file_is_refused(tmp_path: Path, check: type[str]) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UsageError, match="file/below: lies below a file"):
        check(str(tmp_path / "file" / "below"))


@pytest.mark.parametrize("check", [storage.file_target, storage.folder_target])
def test_standard_output_is_refused_where_it_makes_no_sense(check: type[str]) -> None:
    with pytest.raises(UsageError, match=r"^-: standard output cannot be used here"):
        check(storage.STDOUT)


def test_a_name_with_a_slash_at_its_end_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, not a file"):
        storage.file_target(f"{tmp_path}/new/")


def test_a_store_tells_files_from_folders() -> None:
    fsspec.filesystem("memory").pipe_file("/targets/folder/file", b"x")
    assert storage.file_target("memory://targets/folder/file") == "memory:///targets/folder/file"
    assert storage.folder_target("memory://targets/folder") == "memory:///targets/folder"
    assert storage.file_target("memory://targets/new") == "memory:///targets/new"
    with pytest.raises(UsageError, match="is a folder, not a file"):
        storage.file_target("memory://targets/folder")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        storage.folder_target("memory://targets/folder/file")


@pytest.mark.parametrize("protocol", ["zip", "tar"])
@pytest.mark.parametrize("check", [storage.file_target, storage.folder_target])
def test_nothing_is_written_to_an_archive(tmp_path: Path, protocol: str, check: Callable[[str], str]) -> None:
    (tmp_path / "photographs.zip").write_bytes(b"PK")
    with pytest.raises(UsageError, match="lies in an archive, which is only read; choose a"):
        check(f"{protocol}://{tmp_path / 'photographs.zip'}")
