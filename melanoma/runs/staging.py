"""Rows that are scored but not committed: one Arrow file a chunk, whole or absent."""

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError
from melanoma.ids import is_run_id
from melanoma.runs.records import Stage
from melanoma.runs.retry_policy import is_settled
from melanoma.runs.run import Run, time_stamp
from melanoma.runs.scored_by import is_of, with_engine
from melanoma.runs.seals import Seal
from melanoma.runs.timeline import Timeline
from melanoma.runs.unkeyed_files import arrow_file, read_unkeyed
from melanoma.table.layout import OutputLayout

_MAX_BYTES = 1 << 30  # of a staged file; a thousand rows take about a megabyte
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
        deferred: Digests of the photographs of the chunk that the deadline left unread, end to end.
        stages: What it cost, by kind of work.
        forgotten: Photographs without a row because their bytes are forgotten.
        engine: Version of the engine that ran the network; empty if nothing reached it.
        timeline: When it was worked on; None if the run is not profiled.
    """

    number: int
    rows: int
    duplicates: int = 0
    scored: int = 0
    store_failures: int = 0
    deferred: bytes = b""
    stages: Mapping[str, Stage] = field(default_factory=dict)
    forgotten: int = 0
    engine: str = ""
    timeline: Timeline | None = None


def prepare(layout: OutputLayout) -> Seal:
    """Returns the seal of an output; where it has no key, creates one and seals what an earlier version left staged.

    From then on, only a file with a keyed seal counts as staged: an unkeyed one, which anybody could make, is believed
    this once.

    Raises:
        UsageError: The key is damaged.
        NothingCommittedError: The store or the disk refused.
        ReadError: The store does not answer.
    """
    is_new = Seal.create_key(layout)
    if (seal := Seal.known_to(layout)) is None:
        raise NothingCommittedError(f"{layout.staging_key}: was removed while it was in use; start again")
    for uri in filter(OutputLayout.is_chunk, everything(layout) if is_new else ()):
        if (rows := _read(uri, None)) is not None:
            storage.write_bytes(uri, seal.sealed(uri, arrow_file(rows)), is_private=True)
    return seal


def write_chunk(run: Run, number: int, rows: pa.Table, engine: str = "") -> None:
    """Stages a chunk's rows, scored by a version of an engine, in one atomic write; a retry writes the same file again.

    Raises:
        UsageError: The key of the seals is damaged.
        NothingCommittedError: The store or the disk refused.
        ReadError: The key of the seals cannot be read.
    """
    seal, uri = prepare(run.layout), chunk_uri(run, number)
    content = arrow_file(with_engine(rows, engine).combine_chunks())
    storage.write_bytes(uri, seal.sealed(uri, content), is_private=True)


def chunk_uri(run: Run, number: int) -> str:
    """Returns the URI of a chunk's staged file."""
    return run.layout.chunk(run.fingerprint, run.run_id, number)


def read_chunk(run: Run, uri: str, seal: Seal | None = None) -> pa.Table | None:
    """Reads a staged file; None if it is gone, differs from what was written, or has another schema.

    Args:
        run: Whose columns the rows must have.
        uri: URI of the file.
        seal: Of the run's output, to check several files; None to read its key.

    Raises:
        UsageError: The key of the seals is damaged.
    """
    try:
        table = _read(uri, seal or Seal.known_to(run.layout))
    except ReadError:
        return None
    return table if table is not None and table.schema.equals(run.schema) else None


def _read(uri: str, seal: Seal | None) -> pa.Table | None:
    """Reads a staged file; without a seal, one of an earlier version.

    Arrow checks nothing: without a hash of the bytes, a flipped bit would be committed as a probability.
    """
    try:
        stored = storage.read_small(uri, _MAX_BYTES)
        if seal is None:
            return read_unkeyed(stored)
        content = seal.opened(uri, stored)
        return None if content is None else pa.ipc.open_file(pa.BufferReader(content)).read_all()
    except (ReadError, pa.ArrowException, OSError):
        return None


def staged_files(run: Run) -> list[str]:
    """Lists the staged files of a run."""
    return _chunks(run.staging)


def foreign_rows(run: Run) -> Iterator[pa.Table]:
    """Reads what other runs left staged.

    Yields:
        Rows of the run's model and engine from whole files; without failures that may have healed meanwhile.

    Raises:
        UsageError: The key of the seals is damaged.
    """
    try:
        seal = Seal.known_to(run.layout)
    except ReadError:  # whoever may not read the key cannot tell what counts
        return
    for uri in _chunks(run.layout.staging_of(run.fingerprint)):
        table = None if uri.startswith(f"{run.staging}/") else read_chunk(run, uri, seal)
        if table is not None and is_of(run.engine, table):
            yield table.filter(pa.compute.and_(is_settled(table), pa.compute.equal(table["model_id"], run.model_id)))


def clean(run: Run) -> None:
    """Removes what this run has staged, and what runs of any model staged that began more than a week before it."""
    storage.remove(run.staging)
    oldest = time_stamp(run.started - _KEEP_OTHERS)
    for folder in {uri.rsplit("/", 1)[0] for uri in _list(run.layout.staging)}:
        if is_run_id(storage.name_of(folder)) and storage.name_of(folder) < oldest:
            storage.remove(folder)


def remove_run(layout: OutputLayout, run_id: str) -> None:
    """Removes what a run has staged, under whatever fingerprint."""
    for uri in _list(layout.staging):
        folder = uri.rsplit("/", 1)[0]
        if storage.name_of(folder) == run_id:
            storage.remove(uri)


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


def staged_rows(run: Run, uri: str) -> int:
    """Returns the number of rows of a staged file; 0 if it is gone or damaged.

    Raises:
        UsageError: The key of the seals is damaged.
    """
    table = read_chunk(run, uri)
    return 0 if table is None else int(table.num_rows)
