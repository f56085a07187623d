"""Writes data files of the score table, in which every page has a checksum: Delta Lake's own writer makes none."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.table.delta import write_error
from melanoma.table.file_statistics import FileStatistics
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import PARTITION

FULL_BYTES = 32 << 20  # a file is held in memory until it is written, and must be written before a deadline
_ROW_GROUP_ROWS = 2**17


@dataclass(frozen=True)
class WrittenFile:
    """A data file that no version of the table knows yet.

    Attributes:
        name: Path relative to the table's folder.
        model_id: Of all its rows.
        size: In bytes.
        rows: Number of rows.
        statistics: For the table's log, JSON.
    """

    name: str
    model_id: str
    size: int
    rows: int
    statistics: str


def write_data_files(layout: OutputLayout, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> list[WrittenFile]:
    """Writes rows into new data files, each complete or not at all; they belong to the table once they are committed.

    Args:
        layout: Of the table.
        schema: Columns of the table, with the partition. Those that the rows lack are null.
        batches: The rows, with no other columns; what this iterable raises is raised here, and no file is left.

    Raises:
        UsageError: The store or the disk refuses the files until a person has changed something.
        NothingCommittedError: The store or the disk refuses them now.
    """
    written, unfinished = list[WrittenFile](), dict[str, _OpenFile]()
    try:
        for model_id, rows in _by_model(batches):
            if model_id not in unfinished:
                unfinished[model_id] = _OpenFile(layout, model_id, schema)
            file = unfinished[model_id]
            file.add(rows)
            if file.is_full:
                written.append(unfinished.pop(model_id).store())
        written += [file.store() for file in unfinished.values()]
    except BaseException:
        for stored in written:
            with contextlib.suppress(Exception):  # a clean-up deletes what is left
                storage.remove(layout.data_file(stored.name))
        raise
    return written


def _by_model(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch]]:
    for batch in batches:
        models = pa.compute.unique(batch[PARTITION]).to_pylist()
        for model_id in models:
            is_alone = len(models) == 1
            yield model_id, batch if is_alone else batch.filter(pa.compute.equal(batch[PARTITION], model_id))


class _OpenFile:
    """A data file that is being made, in memory.

    Attributes:
        is_full: Whether further rows belong in another file.
    """

    def __init__(self, layout: OutputLayout, model_id: str, schema: pa.Schema) -> None:
        self._layout, self._model_id = layout, model_id
        self._columns = pa.schema([field for field in schema if field.name != PARTITION])  # the path states it
        self._waiting, self._rows_waiting, self._statistics = list[pa.RecordBatch](), 0, FileStatistics()
        self._sink = pa.BufferOutputStream()
        self._writer = pa.parquet.ParquetWriter(
            self._sink, self._columns, compression="zstd", write_page_checksum=True, write_page_index=True
        )

    @property
    def is_full(self) -> bool:
        return int(self._sink.tell()) >= FULL_BYTES

    def add(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._rows_waiting += rows.num_rows
        if self._rows_waiting >= _ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            rows = pa.Table.from_batches(self._waiting)
            rows = pa.table([_column(rows, field) for field in self._columns], schema=self._columns)
            self._statistics.add(rows)
            self._writer.write_table(rows, _ROW_GROUP_ROWS)
            self._waiting, self._rows_waiting = [], 0

    def store(self) -> WrittenFile:
        """Writes the file to its place.

        Raises:
            UsageError: The store or the disk refuses it until a person has changed something.
            NothingCommittedError: The store or the disk refuses it now.
        """
        self._flush()
        self._writer.close()
        data = self._sink.getvalue().to_pybytes()
        name = self._layout.new_data_file(self._model_id)
        try:
            storage.store_bytes(self._layout.data_file(name), data)
        except ReadError as error:
            raise write_error(self._layout, error) from None
        return WrittenFile(name, self._model_id, len(data), self._statistics.rows, self._statistics.to_json())


def _column(rows: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    is_there = field.name in rows.column_names
    return rows[field.name].cast(field.type) if is_there else pa.nulls(rows.num_rows, field.type)
