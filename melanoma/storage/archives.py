"""Opens zip and tar archives as file systems, however they are compressed and however their members are named."""

import contextlib
import lzma
import tarfile
import threading
import zipfile
import zlib
from typing import Any

import fsspec

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.archive_members import clean_tar_index, clean_zip_names, is_whole, mark_zip_links

_BY_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x5d\0\0": "lzma"}
_MAGIC_BYTES = 512
# First bytes of what is given in place of a zip or tar archive: what it is, and what to do.
_FOREIGN = (
    (b"Rar!", "it is a RAR archive, which is not read; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive, which is not read; unpack it, or pack it as zip"),
    (b"(\xb5/\xfd", "it is compressed by Zstandard, which is not read; unpack it, or compress it by gzip"),
    (b"\x04\x22\x4d\x18", "it is compressed by LZ4, which is not read; unpack it, or compress it by gzip"),
    (b"\x1f\x9d", "it is compressed by compress (.Z), which is not read; unpack it, or compress it by gzip"),
    (b"version https://git-lfs", "it is a pointer of Git LFS; run git lfs pull"),
    (b"<", "it is a web page or XML; download it again"),
)
_IN_PLACE_OF = {
    "zip": (
        (b"PK", "it is a zip archive that is cut off, or one part of several; copy it again, or join the parts"),
        *(
            (magic, f"it is compressed by {name}; write tar:// if it is a tar archive")
            for magic, name in _BY_MAGIC.items()
        ),
    ),
    "tar": (
        (b"PK", "it is a zip archive; write zip://"),
        *(
            (magic, f"it is {name} data that is cut off, or no tar archive; copy it again")
            for magic, name in _BY_MAGIC.items()
        ),
    ),
}
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_NOT_WHOLE = "the tar archive stops without its end mark, so members may be missing; copy or pack it again"
_STEP_BYTES = 4096
_DAMAGED_BZIP2 = "Invalid data stream"  # an OSError without a number, as if the store were at fault
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

    Raises:
        ReadError: The file is not such an archive, or is damaged (`corrupt`).
    """
    start = file.read(_MAGIC_BYTES)
    file.seek(0)
    try:
        return _opened_zip(file) if protocol == "zip" else _opened_tar(file, start)
    except DAMAGED as error:
        reason = _foreign_kind(start, protocol) or type(error).__name__
        raise ReadError(ErrorKind.CORRUPT, f"the archive could not be opened ({reason})") from None


def _opened_zip(file: Any) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    fs = fsspec.filesystem("zip", fo=file, use_listings_cache=False, skip_instance_cache=True)
    clean_zip_names(fs.zip)
    mark_zip_links(fs)
    return fs, _NO_LOCK


def _opened_tar(file: Any, start: bytes) -> tuple[Any, contextlib.AbstractContextManager[Any]]:
    compression = next((name for magic, name in _BY_MAGIC.items() if start.startswith(magic)), None)
    fs = fsspec.filesystem(
        "tar", fo=_Unnamed(file), compression=compression, use_listings_cache=False, skip_instance_cache=True
    )
    if not is_whole(fs.tar):
        raise ReadError(ErrorKind.CORRUPT, _NOT_WHOLE)
    clean_tar_index(fs)
    # All members are read through one file. zipfile locks it; tarfile would mix up the bytes of two readers.
    return fs, threading.Lock()


def is_packed(fs: Any) -> bool:
    """Tells whether an archive is compressed as a whole, so that its members have no place in its bytes.

    Args:
        fs: File system as `open_archive` returns it.
    """
    return isinstance(getattr(fs, "tar", None), tarfile.TarFile) and not isinstance(fs.tar.fileobj, _Unnamed)


def _foreign_kind(start: bytes, protocol: str) -> str | None:
    """Returns what a file is that is no archive of a protocol, by its first bytes; None if that is not known."""
    if not start:
        return "it is empty; copy it again"
    if protocol == "zip" and start.startswith(_TAR_MARK, _TAR_MARK_AT):
        return "it is a tar archive; write tar://"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((reason for magic, reason in (*_IN_PLACE_OF[protocol], *_FOREIGN) if text.startswith(magic)), None)


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
    if info.header_offset < 0 or info.volume:
        return "it lies in another part of a divided archive; join the parts"
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
    try:
        with fs.open(path, "rb") as member:
            return b"".join(iter(lambda: member.read(_STEP_BYTES), b""))
    except (lzma.LZMAError, EOFError) as error:
        raise zipfile.BadZipFile from error
    except OSError as error:
        if str(error) == _DAMAGED_BZIP2:
            raise zipfile.BadZipFile from error
        raise


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
