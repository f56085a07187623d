"""Writes one row per photograph of a root, with the reason why the score table has it or not, to a file."""

from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa

from melanoma.errors import NothingCommittedError
from melanoma.queries.exports import format_of, new_file
from melanoma.queries.formats import WRITERS
from melanoma.queries.root_account import Explained
from melanoma.queries.views import Rows

SCHEMA = pa.schema([(name, pa.string()) for name in ("image_uri", "image_id", "reason", "error_kind", "next_run")])
_BATCH = 4096


def write_names(explained: Iterable[Explained], target: str) -> int:
    """Writes photographs as they are listed, replacing an older file in one step.

    Args:
        explained: Photographs.
        target: URI or path of a `.csv`, `.json` or `.parquet` file.

    Returns:
        Number of rows.

    Raises:
        UsageError: The extension is unknown, or the folder or the file cannot be used.
        NothingCommittedError: The file cannot be written.
        ReadError: The store that is listed does not answer.
    """
    write = WRITERS[format_of(target, None)]
    with new_file(target) as file:
        return write(Rows(pa.RecordBatchReader.from_batches(SCHEMA, _batches(explained)), _cause), file)


def _batches(explained: Iterable[Explained]) -> Iterator[pa.RecordBatch]:
    remaining = iter(explained)
    while page := list(islice(remaining, _BATCH)):
        rows = [{"image_uri": one.uri, "image_id": one.image_id, **one.finding._asdict()} for one in page]
        yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def _cause(error: Exception) -> NothingCommittedError:
    return NothingCommittedError(f"the photographs cannot be listed ({type(error).__name__}); try again")
