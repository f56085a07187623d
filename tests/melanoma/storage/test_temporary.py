"""The temporary folder is the one that the operator chose, or an error names it."""

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.storage.temporary import temporary_folder, temporary_root


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks for a temporary folder once a process."""
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_the_chosen_folder_is_used_and_left_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert temporary_root() == tmp_path
    with temporary_folder() as folder:
        (folder / "a").write_bytes(b"x")
        assert folder.parent == tmp_path and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_chosen_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path / name))
    with pytest.raises(UsageError, match=rf"the temporary folder {tmp_path}/{name} cannot be used.*; set TMPDIR to"):
        temporary_root()
    with pytest.raises(UsageError, match="TMPDIR"), temporary_folder():
        pass


def test_without_any_usable_folder_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/none"])
    with pytest.raises(UsageError, match="no folder for temporary files can be written; set TMPDIR"):
        temporary_root()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Can't write data (file write failed: time = 0, errno = 28, error message = 'No space left')"),  # HDF5
    ],
)
def test_a_full_folder_may_pass_and_is_named(error: OSError) -> None:
    root = temporary_root()
    full = pytest.raises(NothingCommittedError, match=f"the temporary folder {root} is full; free up")
    with full, temporary_folder():
        raise error


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="Input/output"), temporary_folder():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
