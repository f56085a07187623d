"""Staged files of earlier versions, whose seal is a plain hash: anybody can make one, so each is read with care."""

import hashlib
import struct
from collections.abc import Iterator

import pyarrow as pa

_MAGIC_BYTES = 8  # an Arrow file is its magic number, a stream of messages, and a footer that is not needed
_TABLE_OF_MESSAGE, _HEADER, _COMPRESSION = 0, 2, 3  # places in the tables of Arrow's format/Message.fbs


def read_unkeyed(stored: bytes) -> pa.Table | None:
    """Returns the rows of a staged file of an earlier version; None if it is not exactly what such a version wrote.

    Nothing is unpacked: a file with compressed buffers, which could become any size, is refused.

    Args:
        stored: Bytes of the file.
    """
    content = pa.py_buffer(stored)[_MAGIC_BYTES:]
    try:
        if any(_is_compressed(message) for message in _messages(content)):
            return None
        table = pa.ipc.open_stream(content).read_all()
        table.validate(full=True)
        return table.replace_schema_metadata(None) if sealed_unkeyed(table) == stored else None
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error):
        return None


def sealed_unkeyed(rows: pa.Table) -> bytes:
    """Returns the staged file that an earlier version wrote for rows: their metadata holds their number and sha256."""
    rows = rows.replace_schema_metadata(None).combine_chunks()
    seal = {b"rows": str(rows.num_rows), b"sha256": hashlib.sha256(arrow_file(rows)).hexdigest()}
    return arrow_file(rows.replace_schema_metadata(seal))


def arrow_file(rows: pa.Table) -> bytes:
    """Returns rows as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def _messages(content: pa.Buffer) -> Iterator[pa.ipc.Message]:
    reader = pa.ipc.MessageReader.open_stream(content)
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _is_compressed(message: pa.ipc.Message) -> bool:
    """Tells whether a message states that its buffers are compressed; pyarrow does not show it.

    Raises:
        struct.error: The message is cut.
    """
    data = bytes(message.metadata)
    header = _field(data, struct.unpack_from("<I", data, _TABLE_OF_MESSAGE)[0], _HEADER)
    if message.type != "record batch" or header is None:
        is_schema: bool = message.type == "schema"
        return not is_schema  # nothing else is in a staged file
    return _field(data, header + struct.unpack_from("<I", data, header)[0], _COMPRESSION) is not None


def _field(data: bytes, table: int, field: int) -> int | None:
    """Returns the place of a field of a FlatBuffers table; None if the table lacks the field."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    place = 4 + 2 * field
    if vtable < 0 or place + 2 > struct.unpack_from("<H", data, vtable)[0]:
        return None
    offset: int = struct.unpack_from("<H", data, vtable + place)[0]
    return table + offset if offset else None
