"""Where the members of an archive lie in its bytes, so that each can be read by itself, by any thread and process."""

import tarfile
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_BLOCK_BYTES = 2**20  # read at once from an object store; some fifty photographs of 20 KB
_LOCAL_HEADER_BYTES, _MOST_HEADER_BYTES = 30, 30 + 2 * (2**16 - 1)  # without and with name and extra field
_MOST_OVERHEAD = 2**16  # bytes by which a packed member may be larger than it is unpacked
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Span(NamedTuple):
    """A member's place in the bytes of its archive.

    Attributes:
        archive: Version of the archive in its store.
        start: First byte of the block of members that is read at once.
        end: First byte behind that block.
        offset: First byte of the member: of its content, or of its header in a zip archive.
        packed: Bytes of its content, as it lies there.
        method: How it is packed: 0 for not at all, 8 for Deflate; -1 in a tar archive.
        crc: Checksum of the unpacked content; 0 in a tar archive.
    """

    archive: str
    start: int
    end: int
    offset: int
    packed: int
    method: int = -1
    crc: int = 0

    @property
    def is_zip(self) -> bool:
        """Whether the archive is a zip archive."""
        return self.method >= 0


def spans_of(fs: Any, version: str, is_local: bool) -> dict[str, Span]:
    """Returns the place of each member that can be read by itself: a regular one that is not encrypted.

    Args:
        fs: File system as `archives.open_archive` returns it, of an archive that is not compressed as a whole.
        version: Version of the archive in its store.
        is_local: Whether members are read one by one; else neighbours share a block of a megabyte.

    Returns:
        By path, as the file system spells it.
    """
    found = dict(_in_zip(fs.zip) if isinstance(getattr(fs, "zip", None), zipfile.ZipFile) else _in_tar(fs))
    ordered = sorted(found.values(), key=lambda member: member.offset)
    blocks = [(member.offset, member.end) for member in ordered] if is_local else list(_blocks(ordered))
    starts = [start for start, _ in blocks]
    spans = dict[str, Span]()
    for path, member in found.items():
        start, end = blocks[bisect_right(starts, member.offset) - 1]
        spans[path] = Span(version, start, end, *member[:1], *member[2:])
    return spans


class _Member(NamedTuple):
    offset: int
    end: int
    packed: int
    method: int = -1
    crc: int = 0


def _in_tar(fs: Any) -> Iterator[tuple[str, _Member]]:
    regular = {member.offset_data: member for member in fs.tar.getmembers() if member.isreg() and not member.issparse()}
    for path, (info, offset, _) in fs.index.items():
        if info["type"] == "file" and not info.get("islink") and offset in regular:
            member: tarfile.TarInfo = regular[offset]
            yield path, _Member(offset, offset + member.size, member.size)


def _in_zip(archive: zipfile.ZipFile) -> Iterator[tuple[str, _Member]]:
    """Yields the members; each ends where the next one begins, since only its own header says how long that is."""
    offsets = sorted({info.header_offset for info in archive.filelist} | {archive.start_dir})
    for name, info in archive.NameToInfo.items():
        end = offsets[bisect_right(offsets, info.header_offset)] if info.header_offset < archive.start_dir else 0
        is_plain = info.compress_type in _METHODS and not info.flag_bits & 1 and not info.volume and not info.is_dir()
        is_sound = 0 <= info.header_offset <= end - _LOCAL_HEADER_BYTES - info.compress_size
        if is_plain and is_sound and info.compress_size <= info.file_size + _MOST_OVERHEAD:
            end = min(end, info.header_offset + _MOST_HEADER_BYTES + info.compress_size)
            yield name, _Member(info.header_offset, end, info.compress_size, info.compress_type, info.CRC)


def _blocks(ordered: Iterable[_Member]) -> Iterator[tuple[int, int]]:
    """Yields the first byte of each block of members, and the first one behind it."""
    start, end = 0, -1
    for member in ordered:
        if end >= 0 and max(end, member.end) - start > _BLOCK_BYTES:
            yield start, end
            end = -1
        if end < 0:
            start = member.offset
        end = max(end, member.end)
    if end >= 0:
        yield start, end
