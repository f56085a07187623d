"""Who may read what a command writes on a local disk: `--output-mode`, by the umask of the process."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

PRIVATE, GROUP, UMASK = "private", "group", "umask"
MODES = {PRIVATE: 0o077, GROUP: 0o027, UMASK: None}  # bits that are taken away; None for those of the umask
_at_start = os.umask(0o077)  # it can only be read by setting it
os.umask(_at_start)


@contextlib.contextmanager
def writing(mode: str) -> Iterator[None]:
    """Lets everything that is written in the block have these modes, also what native libraries write.

    Args:
        mode: `private` for files of mode 0600 in folders of 0700, `group` for 0640 and 0750, `umask` for what the umask
            leaves.
    """
    with _masked(MODES[mode]):
        yield


def present() -> int:
    """Returns the bits that files and folders do not get now."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def as_started() -> Iterator[None]:
    """Lets what is written in the block have the modes of the umask with which the process was started."""
    with _masked(_at_start):
        yield


@contextlib.contextmanager
def like(folder: str | None) -> Iterator[None]:
    """Lets what is written in the block be readable by whom a folder is.

    Args:
        folder: Path of a folder; None, or one that is not there, for what the umask leaves.
    """
    mask = None
    if folder is not None:
        with contextlib.suppress(OSError):
            mask = 0o777 & ~stat.S_IMODE(Path(folder).stat().st_mode)
    with _masked(mask):
        yield


@contextlib.contextmanager
def _masked(mask: int | None) -> Iterator[None]:
    if mask is None:
        yield
        return
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
