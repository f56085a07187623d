"""Ends a run: proves that every listed photograph is accounted for, and commits its rows at once or not at all."""

import contextlib
import time
from collections.abc import Collection
from dataclasses import replace

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.runs import deferred, staging
from melanoma.runs.adoption import Adoption
from melanoma.runs.attempts import Progress, committed_since
from melanoma.runs.commit_rows import CommitRows, Tally
from melanoma.runs.digests import PackedDigests, digests_in
from melanoma.runs.records import COMMITTED, STORE_DOWN, RunRecord, Stage, write_record
from melanoma.runs.run import Run
from melanoma.runs.run_totals import RunTotals, begun_record
from melanoma.runs.staging import StagedChunk
from melanoma.runs.stopped_runs import refuse_if_stopped, unless_stopped
from melanoma.runs.timeline import merged
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ConflictError, ScoreTable

_TRIES = 10
_MANY_FAILURES = 10  # so many photographs, and no other: the store is down


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
    began, adoption = time.perf_counter(), Adoption(totals.adopted)
    expected = sum(chunk.rows for chunk in chunks) + len(adoption)
    record = begun_record(run, totals, chunks, len(adoption))
    if _store_is_down(chunks, totals.skipped + totals.other_shard - totals.other_waiting) and not len(adoption):
        counts = replace(record.counts, deferred=record.counts.deferred + expected)
        record = replace(record, outcome=STORE_DOWN, counts=counts)
    elif expected:
        record = _commit(run, chunks, adoption, record)
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


def _commit(run: Run, chunks: Collection[StagedChunk], adoption: Adoption, record: RunRecord) -> RunRecord:
    planned, since = run.table_version, Progress({}, {})
    tries = _TRIES if run.shard is None else _TRIES + run.shard.total
    for _ in range(tries):
        table = ScoreTable.open(run.layout)
        if table.version != planned:
            if table.holds(run.run_id):
                return _recalled(run, adoption, record, table)
            planned, since = table.version, committed_since(run, table)
        rows = CommitRows(run, chunks, adoption, since)
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


def _recalled(run: Run, adoption: Adoption, record: RunRecord, table: ScoreTable) -> RunRecord:
    """Reads from the table what the run committed before it died."""
    tally = Tally()
    for rows in table.ledger_rows("run_id", run.run_id):
        tally.add(rows)
        tally.adopted += int(adoption.has(digests_in(rows)).sum())
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
