"""Reads members of archives by their place: without the archive's index, and without waiting for other readers."""

import os
import struct
import threading
import zlib
from collections import OrderedDict
from concurrent.futures import Future
from time import monotonic
from typing import NamedTuple

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.archive_spans import Span
from melanoma.storage.deadlines import end_of_call
from melanoma.storage.errors import MEANING
from melanoma.storage.file_info import StoredFile
from melanoma.storage.filesystems import Place, locate
from melanoma.storage.object_reads import read_range
from melanoma.storage.uris import archive_of

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\3\4"
_RAW_DEFLATE = -15
_KEPT_BYTES = 64 << 20  # of blocks, in each process


def read_member(uri: str, listed: StoredFile, span: Span) -> bytes:
    """Reads a member of an archive that is still the one that was listed.

    Args:
        uri: Canonical URI of the member.
        listed: Its entry in the listing.
        span: Its place.

    Raises:
        ReadError: The archive is another one by now (`changed`), the member is damaged (`corrupt`), or the store did
            not deliver it.
    """
    place = locate(archive_of(uri))
    block = _read_block(place, span) if place.is_local else _blocks.read(place, span)
    content = block[span.offset - span.start :]
    if span.is_zip:
        return _unpacked(content, listed.size, span)
    if len(content) < span.packed:
        raise _damaged("it ends before its end")
    return bytes(content[: span.packed])


def _read_block(place: Place, span: Span) -> bytes:
    if span.start == span.end:  # no store answers a request for no bytes
        return b""
    return read_range(place, span.archive, span.start, span.end)


def _unpacked(content: bytes, size: int, span: Span) -> bytes:
    """Unpacks a member of a zip archive, and no more than the archive states."""
    if len(content) < _LOCAL_HEADER.size:
        raise _damaged("it ends before its end")
    magic, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(content)
    first = _LOCAL_HEADER.size + name_bytes + extra_bytes
    packed = content[first : first + span.packed]
    if magic != _LOCAL_MAGIC or len(packed) < span.packed:
        raise _damaged("its header is not where the index says")
    try:
        data = zlib.decompressobj(_RAW_DEFLATE).decompress(packed, size + 1) if span.method else bytes(packed)
    except zlib.error:
        raise _damaged("it cannot be unpacked") from None
    if len(data) != size or zlib.crc32(data) != span.crc:
        raise _damaged("its bytes do not match its checksum")
    return data


def _damaged(found: str) -> ReadError:
    return ReadError(ErrorKind.CORRUPT, f"the member of the archive is damaged: {found}")


class _Key(NamedTuple):
    process: int  # a fork takes over blocks that nobody will ever read to their end
    uri: str
    archive: str
    start: int
    end: int


class _Blocks:
    """The blocks that were read last. Of several readers of one block one asks the store, and the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: OrderedDict[_Key, Future[bytes]] = OrderedDict()

    def read(self, place: Place, span: Span) -> bytes:
        """Returns the bytes of a block; fails for all its readers at once, and is tried again by later ones."""
        key = _Key(os.getpid(), place.uri, span.archive, span.start, span.end)
        with self._lock:
            found, is_mine = self._blocks.get(key), key not in self._blocks
            if found is None:
                found = self._blocks[key] = Future()
            self._blocks.move_to_end(key)
        if is_mine:
            self._fill(key, found, place, span)
        try:
            return found.result(max(0.0, end_of_call() - monotonic()))
        except TimeoutError:
            raise ReadError(ErrorKind.TIMEOUT, MEANING[ErrorKind.TIMEOUT]) from None

    def _fill(self, key: _Key, future: "Future[bytes]", place: Place, span: Span) -> None:
        try:
            data = _read_block(place, span)
        except Exception as error:  # noqa: BLE001 - of whatever kind: every reader of the block gets it
            with self._lock:
                self._blocks.pop(key, None)
            future.set_exception(error)
            return
        future.set_result(data)
        with self._lock:
            kept = 0
            for one in reversed(list(self._blocks)):
                kept += one.end - one.start
                if kept > _KEPT_BYTES and self._blocks[one].done():
                    del self._blocks[one]


_blocks = _Blocks()
