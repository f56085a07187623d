"""Staged files of earlier versions: exactly what such a version wrote is read, and nothing is unpacked."""

import hashlib

import pyarrow as pa
import pytest

from melanoma.runs.unkeyed_files import arrow_file, read_unkeyed, sealed_unkeyed
from tests.helpers import ROOT

EARLIER = sorted((ROOT / "tests" / "data" / "version-0.1" / "table" / "_staging").rglob("*.arrow"))
ROWS = pa.table({"n": pa.array([1, None, 3], pa.int32()), "text": ["a", None, "ü"]})


def compressed(rows: pa.Table, codec: str) -> bytes:
    """Returns a file whose seal is right, but whose buffers are compressed."""
    seal = {"rows": str(rows.num_rows), "sha256": hashlib.sha256(arrow_file(rows)).hexdigest()}
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(rows.replace_schema_metadata(seal))
    return bytes(sink.getvalue())


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.name)
def test_a_file_of_the_earlier_version_is_read(path: object) -> None:
    data = path.read_bytes()  # type: ignore[attr-defined]
    rows = read_unkeyed(data)
    assert rows is not None and rows.num_rows > 0 and rows.schema.metadata is None
    assert rows.equals(pa.ipc.open_file(pa.BufferReader(data)).read_all())


def test_there_are_files_of_an_earlier_version() -> None:
    assert len(EARLIER) > 1


@pytest.mark.parametrize("rows", [ROWS, ROWS.slice(0, 0), ROWS.slice(1, 2)])
def test_rows_come_back(rows: pa.Table) -> None:
    assert read_unkeyed(sealed_unkeyed(rows)) == rows.combine_chunks()


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_nothing_is_unpacked(codec: str) -> None:
    """A file of some kilobytes could fill the memory before its seal is compared."""
    rows = pa.table({"zeros": pa.array([bytes(1 << 20)] * 64, pa.binary(1 << 20))})
    data = compressed(rows, codec)
    assert len(data) < rows.nbytes / 50
    before = pa.default_memory_pool().bytes_allocated()
    peak = pa.default_memory_pool().max_memory()
    assert read_unkeyed(data) is None
    assert pa.default_memory_pool().bytes_allocated() <= before + len(data)
    assert pa.default_memory_pool().max_memory() == peak


def test_any_flipped_bit_and_any_cut_is_noticed() -> None:
    data = sealed_unkeyed(ROWS)
    for place in range(len(data)):
        assert read_unkeyed(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]) is None
    for length in range(0, len(data), 7):
        assert read_unkeyed(data[:length]) is None


def test_whole_rows_without_the_seal_are_refused() -> None:
    assert read_unkeyed(arrow_file(ROWS)) is None
    assert read_unkeyed(arrow_file(ROWS.replace_schema_metadata({"rows": "3", "sha256": "0" * 64}))) is None
