"""An output is tried out before a run; what a person has to change is told apart from what may pass."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import NothingCommittedError, UsageError


@pytest.mark.parametrize("check", [storage.check_writable, storage.check_committable])
def test_a_probe_leaves_nothing_behind(writable: str, check: Callable[[str, str], None]) -> None:
    storage.write_bytes(storage.join(writable, "other"), b"x")
    check(writable, storage.join(writable, "probe"))
    assert [storage.name_of(file.uri) for file in storage.list_files(writable)] == ["other"]


@pytest.mark.usefixtures("one_try")
@pytest.mark.parametrize(
    ("error", "raised", "text"),
    [
        (PermissionError(13, "x"), UsageError, "choose another --output or fix its permissions"),
        (OSError(errno.EROFS, "x"), UsageError, "Read-only file system"),
        (OSError(errno.ENOSPC, "x"), NothingCommittedError, "No space left on device.*nothing was read, try again"),
    ],
)
def test_temporary_and_permanent_write_failures_raise_different_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, raised: type[Exception], text: str
) -> None:
    def fail(handle: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(raised, match=rf"the output {tmp_path} cannot be written: .*{text}"):
        storage.check_writable(str(tmp_path), str(tmp_path / "probe"))


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_without_hard_links_holds_files_but_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*paths: str) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    probe = str(tmp_path / "probe")
    storage.check_writable(str(tmp_path), probe)
    with pytest.raises(UsageError, match=r"offers no hard links.*; choose a folder on another disk"):
        storage.check_committable(str(tmp_path), probe)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_when_it_links_may_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(NothingCommittedError, match="No space left on device; nothing was read, try again"):
        storage.check_committable(str(tmp_path), str(tmp_path / "probe"))


@pytest.mark.parametrize("check", [storage.check_writable, storage.check_committable])
def test_a_bucket_that_does_not_exist_is_named(bucket: str, check: Callable[[str, str], None]) -> None:
    missing = f"{bucket}-mistyped/scores"
    with pytest.raises(UsageError, match=rf"the output {missing} does not exist: .*check it for a typo"):
        check(missing, f"{missing}/probe")
