"""Opens zip and tar archives as file systems, however they are compressed and however their members are named."""

import contextlib
import lzma
import tarfile
import threading
import zipfile
import zlib
from typing import Any

import fsspec

_BY_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}
_MAGIC_BYTES = 6
_STEP_BYTES = 4096
# What reading a damaged or unknown archive raises; another error comes from the store that holds it.
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError)
_NO_LOCK = contextlib.nullcontext()


def open_archive(protocol: str, file: Any) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    """Opens an archive.

    Args:
        protocol: `zip` or `tar`.
        file: The archive's bytes, as a file opened for reading that can seek.

    Returns:
        The file system of its members, and the lock to hold while one is read.
    """
    if protocol == "zip":
        return fsspec.filesystem("zip", fo=file, use_listings_cache=False, skip_instance_cache=True), _NO_LOCK
    fs = fsspec.filesystem(
        "tar", fo=_Unnamed(file), compression=_compression_of(file), use_listings_cache=False, skip_instance_cache=True
    )
    _strip_leading_slashes(fs)
    # All members are read through one file. zipfile locks it; tarfile would mix up the bytes of two readers.
    return fs, threading.Lock()


def refusal_of(fs: Any, member: str) -> str | None:
    """Returns why a member of an archive cannot be read by anybody without unpacking it first; None if it can be.

    Args:
        fs: File system as `open_archive` returns it, or any other one.
        member: Path of the member.
    """
    if not isinstance(archive := getattr(fs, "zip", None), zipfile.ZipFile):
        return None
    try:
        info = archive.getinfo(member)
    except KeyError:
        return None
    if info.flag_bits & 1:
        return "the archive is encrypted; unpack it first"
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    if info.compress_type not in known:
        return f"the archive's compression (method {info.compress_type}) is not read; pack it with Deflate"
    return None


def read_whole(fs: Any, path: str) -> bytes:
    """Reads a file of any file system; of a member of a zip archive, no more is unpacked than the archive states.

    Args:
        fs: File system as `open_archive` returns it, or any other one.
        path: Path of the file.
    """
    if not isinstance(getattr(fs, "zip", None), zipfile.ZipFile):
        return bytes(fs.cat_file(path))
    # Read at once, it would be unpacked whole, even if it holds a thousand times what the archive states.
    with fs.open(path, "rb") as member:
        return b"".join(iter(lambda: member.read(_STEP_BYTES), b""))


class _Unnamed:
    """A file without its name, so that fsspec does not infer the compression from that."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.read, self.seek, self.tell, self.close = file.read, file.seek, file.tell, file.close

    def readable(self) -> bool:
        """Tells that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tells that it can seek."""
        return True


def _compression_of(file: Any) -> str | None:
    start = file.read(_MAGIC_BYTES)
    file.seek(0)
    return next((name for magic, name in _BY_MAGIC.items() if start.startswith(magic)), None)


def _strip_leading_slashes(fs: Any) -> None:
    """Makes members with absolute names findable: fsspec looks every path up without its leading slash."""
    for name in [name for name in fs.index if name.startswith("/")]:
        info, *place = fs.index.pop(name)
        relative = name.lstrip("/")
        fs.index[relative] = (info | {"name": relative}, *place)
