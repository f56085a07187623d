"""Ends a run: proves that every listed photograph is accounted for, and commits its rows at once or not at all."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute

from melanoma import ledger, scores, staging
from melanoma.errors import NothingCommittedError
from melanoma.runs import COMMITTED, NOTHING_NEW, STORE_DOWN, Counts, Run, RunRecord, write_record
from melanoma.schema import FAILED, SCORED
from melanoma.staging import StagedChunk

_TRIES = 10


@dataclass(frozen=True)
class Plan:
    """What a run found before it scored anything.

    Attributes:
        listed: Photographs under the roots, duplicates included.
        skipped: Of these, already in the table.
        deferred: Of these, left for another night.
        adopted: Digests of those that a killed run has staged, once a listing.
        ignored: Files that are no photographs, by extension.
    """

    listed: int
    skipped: int
    deferred: int
    adopted: Sequence[bytes]
    ignored: Counter[str]


def end_run(run: Run, plan: Plan, chunks: Collection[StagedChunk]) -> RunRecord:
    """Commits what is staged and adopted, leaves the run's record, and cleans up.

    Args:
        run: The run.
        plan: What it found.
        chunks: What was staged, as the pipeline delivered it, never as a listing shows it.

    Raises:
        NothingCommittedError: A photograph is not accounted for, or the store refused; what is scored stays staged.
    """
    adopted = set(plan.adopted)
    duplicates = sum(chunk.duplicates for chunk in chunks) + len(plan.adopted) - len(adopted)
    expected = sum(chunk.rows for chunk in chunks) + len(adopted)
    counts = Counts(
        listed=plan.listed,
        skipped=plan.skipped,
        duplicates=duplicates,
        deferred=plan.deferred,
        ignored=sum(plan.ignored.values()),
    )
    if counts.listed != expected + counts.skipped + counts.duplicates + counts.deferred:
        raise NothingCommittedError(
            f"of {counts.listed} listed photographs {expected} were staged, {counts.skipped} skipped, "
            f"{counts.duplicates} duplicates and {counts.deferred} deferred; the rest was lost on the way, so nothing "
            "was committed; start again, and choose another --runner if it happens again"
        )
    record = RunRecord(
        run.run_id, run.run_date.isoformat(), run.model_id, NOTHING_NEW, counts, ignored=dict(plan.ignored)
    )
    if _store_is_down(chunks) and not adopted:
        record = replace(record, outcome=STORE_DOWN, counts=replace(counts, deferred=counts.deferred + expected))
    elif expected:
        record = _commit(run, chunks, adopted, expected, record)
    else:
        record = replace(record, table_version=run.table_version)
    write_record(run, record)
    staging.clean(run)
    return record


def _store_is_down(chunks: Iterable[StagedChunk]) -> bool:
    chunks = list(chunks)
    failures = sum(chunk.store_failures for chunk in chunks)
    return failures > 0 and failures == sum(chunk.rows for chunk in chunks)


def _commit(
    run: Run, chunks: Collection[StagedChunk], adopted: set[bytes], expected: int, record: RunRecord
) -> RunRecord:
    planned, committed_since = run.table_version, frozenset[bytes]()
    for _ in range(_TRIES):
        if (present := scores.table_version(run.output)) != planned:
            planned, committed_since = present, frozenset(ledger.done_digests(run, present))
        rows = _Rows(run, chunks, adopted, expected, committed_since)
        try:
            version = scores.append(run.output, planned, run.run_id, run.schema, rows.batches())
        except scores.ConflictError:
            continue
        counts = replace(
            record.counts,
            scored=rows.statuses[SCORED],
            failed=rows.statuses[FAILED],
            skipped=record.counts.skipped + rows.dropped,
        )
        return replace(
            record,
            outcome=COMMITTED,
            counts=counts,
            adopted=rows.adopted,
            table_version=version,
            failures=dict(rows.kinds),
            classes=dict(rows.classes),
        )
    raise NothingCommittedError(f"{run.output}: other runs committed {_TRIES} times meanwhile; start again")


class _Rows:
    """Streams the rows of one try to commit, and counts them in the same pass."""

    def __init__(
        self, run: Run, chunks: Collection[StagedChunk], adopted: set[bytes], expected: int, dropped: Collection[bytes]
    ) -> None:
        self._run, self._chunks, self._wanted = run, chunks, adopted
        self._expected, self._drop = expected, dropped
        self.statuses, self.kinds, self.classes = Counter[str](), Counter[str](), Counter[str]()
        self.dropped = self.adopted = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Gives the rows as this run's own.

        Raises:
            NothingCommittedError: They are not as many as were expected.
        """
        for table in self._own():
            yield from self._counted(table)
        for table in self._adopted():
            before = sum(self.statuses.values())
            yield from self._counted(table)
            self.adopted += sum(self.statuses.values()) - before
        found = sum(self.statuses.values()) + self.dropped
        if found != self._expected:
            raise NothingCommittedError(
                f"{self._expected} rows were staged, {found} are still there; nothing was committed, start again"
            )

    def _own(self) -> Iterator[pa.Table]:
        for chunk in sorted(self._chunks, key=lambda chunk: chunk.number):
            table = staging.read_chunk(staging.chunk_uri(self._run, chunk.number), self._run.schema)
            if table is None or table.num_rows != chunk.rows:
                raise NothingCommittedError(
                    f"{self._run.output}: staged chunk {chunk.number} is gone or damaged; nothing was committed, "
                    "start again"
                )
            yield table

    def _adopted(self) -> Iterator[pa.Table]:
        waiting = set(self._wanted)
        for table in staging.foreign_rows(self._run) if waiting else ():
            keep = []
            for digest in ledger.digests_in(table):
                keep.append(digest in waiting)
                waiting.discard(digest)
            yield table.filter(pa.array(keep, pa.bool_()))

        # Another run may have committed and cleaned up what was to be adopted; the table has it then.
        self.dropped += len(waiting & set(self._drop)) if waiting else 0

    def _counted(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        if self._drop:
            fresh = [digest not in self._drop for digest in ledger.digests_in(table)]
            self.dropped += len(fresh) - sum(fresh)
            table = table.filter(pa.array(fresh, pa.bool_()))
        for counter, name in ((self.statuses, "status"), (self.kinds, "error_kind"), (self.classes, "top_label")):
            counter.update(value for value in table[name].to_pylist() if value is not None)
        yield from _as_own(table, self._run).to_batches()


def _as_own(table: pa.Table, run: Run) -> pa.Table:
    """Rewrites what an adopted row says of the run that commits it."""
    for name, value in (("run_id", run.run_id), ("run_date", run.run_date)):
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.repeat(pa.scalar(value, field.type), table.num_rows))
    return table
