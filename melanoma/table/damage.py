"""Finds the data files of a score table that cannot be read, after reading it has failed."""

import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.table.layout import OutputLayout

GONE, DAMAGED = "gone", "damaged"


def broken_files(layout: OutputLayout, names: Iterable[str]) -> dict[str, str]:
    """Reads data files completely, and returns those that are gone or damaged.

    Args:
        layout: Of the table.
        names: Paths of data files, relative to the output folder.

    Returns:
        `gone` or `damaged` by path.

    Raises:
        UsageError: The store refuses access.
        NothingCommittedError: The store does not answer.
    """
    faults = {name: _fault_of(layout, name) for name in names}
    return {name: fault for name, fault in faults.items() if fault is not None}


def _fault_of(layout: OutputLayout, name: str) -> str | None:
    try:
        data = storage.read_bytes(layout.data_file(name))
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            return GONE
        found = f"{layout}: the score table cannot be read: {error.detail}"
        if error.kind.is_transient:
            raise NothingCommittedError(f"{found}; try again") from None
        raise UsageError(found) from None
    try:
        for batch in pa.parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True).iter_batches():
            batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        return DAMAGED
    return None
