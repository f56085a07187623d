"""Rows that are scored but not committed: one Arrow file a chunk, whole or not there."""

import contextlib
import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from melanoma import storage
from melanoma.errors import MAY_HEAL, ErrorKind, PhotographError, ReadError
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle
from melanoma.model.decision import Decision, ModelOutput, are_sound, decide
from melanoma.runs.records import Stage
from melanoma.runs.run import RUN_ID, Run, time_stamp
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import COLUMNS, FAILED, PROBABILITY_PREFIX, SCORED

_KEEP_OTHERS = datetime.timedelta(days=7)  # longer than any run lasts


@dataclass(frozen=True)
class StagedChunk:
    """What became of one chunk.

    Attributes:
        number: Of the chunk.
        rows: In its staged file.
        duplicates: Refs dropped because another one names the same photograph.
        scored: Rows with probabilities.
        store_failures: Rows that failed by the store's fault.
        deferred: Digests of the photographs of a chunk that was not begun.
        stages: What it cost, by kind of work.
    """

    number: int
    rows: int
    duplicates: int = 0
    scored: int = 0
    store_failures: int = 0
    deferred: tuple[bytes, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=dict)


class RowBuilder:
    """Gathers the rows of one chunk, batch by batch."""

    def __init__(self, run: Run, bundle: Bundle) -> None:
        """Starts an empty chunk."""
        self._run, self._bundle = run, bundle
        self._columns: dict[str, list[Any]] = {name: [] for name in run.schema.names}
        self.scored = self.store_failures = 0
        self._read, self._decoded = Stage(), Stage()

    def add_scored(self, loaded: Sequence[Loaded], scores: ModelOutput) -> None:
        """Adds photographs with what the network says of them, in their order; what is no probability fails."""
        sound = are_sound(scores)
        columns = self._columns_of(decide(self._bundle, scores), scores)
        for index, facts in enumerate(loaded):
            if not sound[index]:
                bad = PhotographError(ErrorKind.BAD_OUTPUT, "the network gave values that are no probabilities")
                self.add_failed([facts._replace(error=bad)])
                continue
            self._add(facts, status=SCORED, **{name: column[index] for name, column in columns.items()})
            self.scored += 1

    def _columns_of(self, decision: Decision, scores: ModelOutput) -> dict[str, Sequence[Any]]:
        columns: dict[str, Any] = {
            "top_label": [self._bundle.slugs[index] for index in decision.top_index],
            "top_probability": decision.top_probability,
            "flag_melanoma": decision.flag_melanoma,
            "review": decision.review,
            "review_reason": decision.review_reason,
            "ood_score": scores.ood,
            **{f"{PROBABILITY_PREFIX}{slug}": scores.probabilities[:, i] for i, slug in enumerate(self._bundle.slugs)},
        }
        return {name: column for name, column in columns.items() if column is not None}

    def add_failed(self, failures: Sequence[Loaded]) -> None:
        """Adds photographs that carry an error."""
        for facts in failures:
            if facts.error is None:
                raise ValueError("a failed photograph carries its error")
            self._add(facts, status=FAILED, error_kind=facts.error.kind.value, error=facts.error.detail)
            self.store_failures += facts.error.kind.is_store_failure

    def _add(self, facts: Loaded, **values: Any) -> None:
        ref = facts.ref
        self._read += Stage(facts.read_seconds, 1, facts.bytes)
        self._decoded += Stage(facts.decode_seconds, 1, facts.bytes)
        values |= {
            "image_id": ref.image_id,
            "image_uri": ref.uri,
            "image_version": ref.version,
            "run_date": self._run.run_date,
            "run_id": self._run.run_id,
            "scored_at": datetime.datetime.now(datetime.UTC),
            "attempt": ref.attempt,
            "width": facts.width,
            "height": facts.height,
            "image_sha256": facts.sha256,
            "model_id": self._run.model_id,
        }
        first_kept = len(COLUMNS) + len(self._bundle.slugs)
        values |= dict(zip(self._run.schema.names[first_kept:], ref.kept, strict=False))
        for name, column in self._columns.items():
            column.append(values.get(name))

    @property
    def stages(self) -> dict[str, Stage]:
        """What reading and decoding cost so far."""
        return {"read": self._read, "decode": self._decoded}

    def table(self) -> pa.Table:
        """Gives the rows so far, in the run's schema."""
        return pa.Table.from_pydict(self._columns, schema=self._run.schema)


def write_chunk(run: Run, number: int, rows: pa.Table) -> None:
    """Stages a chunk's rows in one atomic write; a retry writes the same file again."""
    storage.write_bytes(chunk_uri(run, number), _sealed(rows))


def _sealed(rows: pa.Table) -> bytes:
    """Gives an Arrow file that says what its rows should be.

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
    """Names the staged file of a chunk."""
    return run.layout.chunk(run.fingerprint, run.run_id, number)


def read_chunk(uri: str, schema: pa.Schema) -> pa.Table | None:
    """Reads a staged file; None if it is gone, is not as it was written, or has another schema."""
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
    """Lists this run's staged files."""
    return _chunks(run.staging)


def foreign_rows(run: Run) -> Iterator[pa.Table]:
    """Gives what other runs left staged, as far as it can be trusted and no failure in it may have healed."""
    healing = pa.array([kind.value for kind in MAY_HEAL])
    for uri in _chunks(run.layout.staged_alike(run.fingerprint)):
        table = None if uri.startswith(f"{run.staging}/") else read_chunk(uri, run.schema)
        if table is not None:
            settled = pa.compute.invert(pa.compute.is_in(table["error_kind"], value_set=healing))
            yield table.filter(pa.compute.and_(settled, pa.compute.equal(table["model_id"], run.model_id)))


def clean(run: Run) -> None:
    """Removes this run's staging, and that of others, whatever their model, which started more than a week before."""
    storage.remove(run.staging)
    oldest = time_stamp(run.started - _KEEP_OTHERS)
    for folder in {uri.rsplit("/", 1)[0] for uri in _list(run.layout.staging)}:
        if RUN_ID.fullmatch(storage.name_of(folder)) and storage.name_of(folder) < oldest:
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
    """Lists all that any run has staged on an output.

    Raises:
        ReadError: The store does not say.
    """
    return _listed(layout.staging) if storage.exists(layout.staging) else []


def announce(run: Run, images: int) -> None:
    """Notes how many photographs a run is about to score, for whoever watches its staging."""
    storage.write_bytes(_announcement(run), str(images).encode())


def announced(run: Run) -> int | None:
    """Reads that note; None before the listing has ended."""
    uri = _announcement(run)
    return int(storage.read_bytes(uri)) if storage.exists(uri) else None


def _announcement(run: Run) -> str:
    return run.layout.announcement(run.fingerprint, run.run_id)


def staged_rows(uri: str) -> int:
    """Counts the rows of a staged file; none in one that is gone or damaged."""
    table = _read(uri)
    return 0 if table is None else int(table.num_rows)
