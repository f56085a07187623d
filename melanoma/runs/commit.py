"""Ends a run: proves that every listed photograph is accounted for, and commits its rows at once or not at all."""

import contextlib
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.ingest.image_refs import DIGEST_BYTES
from melanoma.runs import deferred, staging
from melanoma.runs.attempts import Progress, committed_since
from melanoma.runs.commit_rows import CommitRows, Tally
from melanoma.runs.digests import PackedDigests, digests_in
from melanoma.runs.records import COMMITTED, NOTHING_NEW, STORE_DOWN, Counts, RunRecord, Stage, write_record
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk
from melanoma.runs.stopped_runs import refuse_if_stopped, unless_stopped
from melanoma.runs.timeline import Timeline, merged
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ConflictError, ScoreTable

_TRIES = 10
_MANY_FAILURES = 10  # so many photographs, and no other: the store is down


@dataclass(frozen=True)
class RunTotals:
    """What a run amounts to before anything is scored.

    Attributes:
        listed: Number of photographs in the sources, duplicates included.
        skipped: Number of these that need no further attempt.
        deferred: Number of these that `--limit` leaves for another run.
        adopted: Adoption keys of those that a killed run has staged, once a listing, see `image_refs.adoption_key`.
        ignored: Number of files that are not photographs, by extension.
        seconds: Duration of the listing, in seconds.
        workers: Number of worker processes.
        other_shard: Number of these that are left to runs of other shards.
        other_waiting: Number of photographs of other shards that the table does not hold.
        timeline: Of the listing; None if the run is not profiled.
        repeated: Number of these that name a photograph again, as far as the plan has left them out.
    """

    listed: int
    skipped: int
    deferred: int
    adopted: Sequence[bytes]
    ignored: Counter[str]
    seconds: float = 0.0
    workers: int = 1
    other_shard: int = 0
    other_waiting: int = 0
    timeline: Timeline | None = None
    repeated: int = 0


def end_run(run: Run, totals: RunTotals, chunks: Collection[StagedChunk]) -> RunRecord:
    """Commits what is staged and adopted, writes the run's record, and removes what was staged.

    A runner may call this again for a run that has committed already: its record is then read from the table.

    Args:
        run: The run.
        totals: What the run was planned to do.
        chunks: What was staged, as the pipeline delivered it, never as a listing shows it.

    Raises:
        NothingCommittedError: A photograph is missing, the store refused, or the run was stopped; rows stay staged.
    """
    refuse_if_stopped(run)
    began, adopted = time.perf_counter(), {key[:DIGEST_BYTES]: key for key in totals.adopted}
    expected = sum(chunk.rows for chunk in chunks) + len(adopted)
    record = _begun(run, totals, chunks, _counted(totals, chunks, len(adopted), expected))
    if _store_is_down(chunks, totals.skipped + totals.other_shard - totals.other_waiting) and not adopted:
        counts = replace(record.counts, deferred=record.counts.deferred + expected)
        record = replace(record, outcome=STORE_DOWN, counts=counts)
    elif expected:
        record = _commit(run, chunks, adopted, record)
    else:
        record = replace(record, table_version=run.table_version)
    if record.outcome == COMMITTED:
        work = Stage(time.perf_counter() - began, record.counts.scored + record.counts.failed)
        timeline = merged([record.timeline, run.worked("commit", work.seconds)])
        record = replace(record, stages={**record.stages, "commit": work}, timeline=timeline)
    _remember_deferred(run, totals, chunks, record)
    _write_record(run, record)
    staging.clean(run)
    return record


def _counted(totals: RunTotals, chunks: Collection[StagedChunk], adopted: int, expected: int) -> Counts:
    """Counts what is known before the commit.

    Raises:
        NothingCommittedError: A listed photograph is not accounted for.
    """
    counts = Counts(
        listed=totals.listed,
        skipped=totals.skipped + sum(chunk.forgotten for chunk in chunks),
        duplicates=totals.repeated + sum(chunk.duplicates for chunk in chunks) + len(totals.adopted) - adopted,
        deferred=totals.deferred + sum(len(chunk.deferred) // DIGEST_BYTES for chunk in chunks),
        ignored=sum(totals.ignored.values()),
        other_shard=totals.other_shard,
    )
    if not replace(counts, scored=expected).add_up:
        of_others = f", {counts.other_shard} of other shards" if counts.other_shard else ""
        raise NothingCommittedError(
            f"of {counts.listed} listed photographs {expected} were staged, {counts.skipped} skipped, "
            f"{counts.duplicates} duplicates and {counts.deferred} deferred{of_others}; the rest was lost on the way, "
            "so nothing was committed; start again, and choose another --runner if it happens again"
        )
    return counts


def _begun(run: Run, totals: RunTotals, chunks: Collection[StagedChunk], counts: Counts) -> RunRecord:
    stages = {"list": Stage(totals.seconds, totals.listed)}
    for chunk in chunks:
        for name, stage in chunk.stages.items():
            stages[name] = stages.get(name, Stage()) + stage
    return RunRecord(
        run.run_id,
        run.run_date.isoformat(),
        run.model_id,
        NOTHING_NEW,
        counts,
        ignored=dict(totals.ignored),
        stages=stages,
        workers=totals.workers,
        model_name=run.model_name,
        shard=run.shard_text,
        other_waiting=totals.other_waiting,
        engine=", ".join(sorted({chunk.engine for chunk in chunks if chunk.engine})),
        timeline=merged([totals.timeline, *(chunk.timeline for chunk in chunks)]),
    )


def _remember_deferred(run: Run, totals: RunTotals, chunks: Collection[StagedChunk], record: RunRecord) -> None:
    digests = PackedDigests()
    for chunk in chunks:
        digests.extend_packed(chunk.deferred)
    # Where deferred photographs are not known one by one, what earlier runs deferred stays remembered.
    is_known = not totals.deferred and record.outcome != STORE_DOWN
    if not is_known:
        digests.extend(deferred.read_own(run))
    deferred.write(run, digests)


def _write_record(run: Run, record: RunRecord) -> None:
    try:
        write_record(run.layout, record)
    except NothingCommittedError as error:
        if record.outcome != COMMITTED:
            raise
        raise NothingCommittedError(
            f"the rows are committed as version {record.table_version}, but the run's record is not: {error}; start "
            "again, nothing will be scored twice"
        ) from None


def _store_is_down(chunks: Collection[StagedChunk], known: int) -> bool:
    """Tells a store that returns nothing from a few photographs that it refuses: those become rows."""
    failures = sum(chunk.store_failures for chunk in chunks)
    returned_nothing = failures > 0 and failures == sum(chunk.rows for chunk in chunks)
    return returned_nothing and (failures >= _MANY_FAILURES or not known)


def _commit(run: Run, chunks: Collection[StagedChunk], adopted: Mapping[bytes, bytes], record: RunRecord) -> RunRecord:
    planned, since = run.table_version, Progress({}, {})
    tries = _TRIES if run.shard is None else _TRIES + run.shard.total
    for _ in range(tries):
        table = ScoreTable.open(run.layout)
        if table.version != planned:
            if table.holds(run.run_id):
                return _recalled(run, adopted, record, table)
            planned, since = table.version, committed_since(run, table)
        rows = CommitRows(run, chunks, adopted, since)
        try:
            version = table.append(run.run_id, run.schema, unless_stopped(run, rows.batches()))
        except ConflictError:
            continue
        except NothingCommittedError:
            # The run that staged what was to be adopted may have committed it, and cleaned up, meanwhile.
            if not _has_moved(run, planned):
                raise
            continue
        return _filled(record, rows.tally, version, rows.dropped, rows.duplicates)
    raise NothingCommittedError(f"{run.layout}: other runs committed {tries} times meanwhile; start again")


def _has_moved(run: Run, planned: int | None) -> bool:
    """Tells whether others have committed since a version; False where the store does not say."""
    with contextlib.suppress(NothingCommittedError), storage.hurried():
        return ScoreTable.open(run.layout).version != planned
    return False


def _recalled(run: Run, adopted: Collection[bytes], record: RunRecord, table: ScoreTable) -> RunRecord:
    """Reads from the table what the run committed before it died."""
    tally = Tally()
    for rows in table.ledger_rows("run_id", run.run_id):
        tally.add(rows)
        tally.adopted += sum(digest in adopted for digest in digests_in(rows))
    counts = record.counts
    planned = counts.listed - counts.skipped - counts.duplicates - counts.deferred - counts.other_shard
    return _filled(record, tally, table.version, dropped=planned - tally.total)


def _filled(record: RunRecord, tally: Tally, version: int | None, dropped: int = 0, duplicates: int = 0) -> RunRecord:
    counts = replace(
        record.counts,
        scored=tally.statuses[SCORED],
        failed=tally.statuses[FAILED],
        skipped=record.counts.skipped + dropped,
        duplicates=record.counts.duplicates + duplicates,
    )
    return replace(
        record,
        outcome=COMMITTED,
        counts=counts,
        adopted=tally.adopted,
        table_version=version,
        failures=dict(tally.kinds),
        classes=dict(tally.classes),
    )
