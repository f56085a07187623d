"""Rows that are scored but not committed: one Arrow file a chunk, whole or absent."""

import contextlib
import datetime
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.ids import is_run_id
from melanoma.runs.records import Stage
from melanoma.runs.retry_policy import is_settled
from melanoma.runs.run import Run, time_stamp
from melanoma.table.layout import OutputLayout

_KEEP_OTHERS = datetime.timedelta(days=7)  # longer than any run takes


@dataclass(frozen=True)
class StagedChunk:
    """What became of one chunk.

    Attributes:
        number: Number of the chunk.
        rows: Rows in its staged file.
        duplicates: Refs dropped because another one names the same photograph.
        scored: Rows with probabilities.
        store_failures: Rows that failed by the store's fault.
        deferred: Digests of the photographs of a chunk that was not begun.
        stages: What it cost, by kind of work.
        forgotten: Photographs without a row because their bytes are forgotten.
    """

    number: int
    rows: int
    duplicates: int = 0
    scored: int = 0
    store_failures: int = 0
    deferred: tuple[bytes, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=dict)
    forgotten: int = 0


def write_chunk(run: Run, number: int, rows: pa.Table) -> None:
    """Stages a chunk's rows in one atomic write; a retry writes the same file again.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    storage.write_bytes(chunk_uri(run, number), _sealed(rows))


def _sealed(rows: pa.Table) -> bytes:
    """Returns an Arrow file that states what its rows must be.

    Arrow checks nothing: without the sha256 of the rows a flipped bit would be committed as a probability.
    """
    rows = rows.replace_schema_metadata(None).combine_chunks()
    seal = {b"rows": str(rows.num_rows), b"sha256": hashlib.sha256(_arrow_file(rows)).hexdigest()}
    return _arrow_file(rows.replace_schema_metadata(seal))


def _arrow_file(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def chunk_uri(run: Run, number: int) -> str:
    """Returns the URI of a chunk's staged file."""
    return run.layout.chunk(run.fingerprint, run.run_id, number)


def read_chunk(uri: str, schema: pa.Schema) -> pa.Table | None:
    """Reads a staged file; None if it is gone, differs from what was written, or has another schema."""
    table = _read(uri)
    return table if table is not None and table.schema.equals(schema) else None


def _read(uri: str) -> pa.Table | None:
    try:
        stored = storage.read_bytes(uri)
        table = pa.ipc.open_file(pa.BufferReader(stored)).read_all()
        table.validate(full=True)
        is_whole = _sealed(table) == stored
    except (ReadError, pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return table.replace_schema_metadata(None) if is_whole else None


def staged_files(run: Run) -> list[str]:
    """Lists the staged files of a run."""
    return _chunks(run.staging)


def foreign_rows(run: Run) -> Iterator[pa.Table]:
    """Reads what other runs left staged.

    Yields:
        Rows of the run's model from whole files; without failures that may have healed meanwhile.
    """
    for uri in _chunks(run.layout.staging_of(run.fingerprint)):
        table = None if uri.startswith(f"{run.staging}/") else read_chunk(uri, run.schema)
        if table is not None:
            yield table.filter(pa.compute.and_(is_settled(table), pa.compute.equal(table["model_id"], run.model_id)))


def clean(run: Run) -> None:
    """Removes what this run has staged, and what runs of any model staged that began more than a week before it."""
    storage.remove(run.staging)
    oldest = time_stamp(run.started - _KEEP_OTHERS)
    for folder in {uri.rsplit("/", 1)[0] for uri in _list(run.layout.staging)}:
        if is_run_id(storage.name_of(folder)) and storage.name_of(folder) < oldest:
            storage.remove(folder)


def _chunks(folder: str) -> list[str]:
    return [uri for uri in _list(folder) if OutputLayout.is_chunk(uri)]


def _list(folder: str) -> list[str]:
    with contextlib.suppress(ReadError):
        return _listed(folder)
    return []


def _listed(folder: str) -> list[str]:
    return sorted(stored.uri for stored in storage.list_files(folder))


def everything(layout: OutputLayout) -> list[str]:
    """Lists all that any run has staged in an output folder.

    Raises:
        ReadError: The store does not answer.
    """
    return _listed(layout.staging) if storage.exists(layout.staging) else []


def announce(run: Run, images: int) -> None:
    """Notes how many photographs a run is about to score, for the progress display."""
    storage.write_bytes(_announcement(run), str(images).encode())


def announced(run: Run) -> int | None:
    """Returns the announced number of photographs; None before the listing has ended."""
    uri = _announcement(run)
    return int(storage.read_bytes(uri)) if storage.exists(uri) else None


def _announcement(run: Run) -> str:
    return run.layout.announcement(run.fingerprint, run.run_id)


def staged_rows(uri: str) -> int:
    """Returns the number of rows of a staged file; 0 if it is gone or damaged."""
    table = _read(uri)
    return 0 if table is None else int(table.num_rows)
