"""Ends a run: proves that every listed photograph is accounted for, and commits its rows at once or not at all."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from melanoma.errors import NothingCommittedError
from melanoma.ingest.image_refs import DIGEST_BYTES
from melanoma.runs import deferred, ledger, staging
from melanoma.runs.commit_rows import Rows, Tally
from melanoma.runs.records import COMMITTED, NOTHING_NEW, STORE_DOWN, Counts, RunRecord, Stage, write_record
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ConflictError, ScoreTable

_TRIES = 10
_MANY = 10  # photographs that the store does not give


@dataclass(frozen=True)
class RunTotals:
    """What a run found before it scored anything.

    Attributes:
        listed: Photographs under the roots, duplicates included.
        skipped: Of these, already in the table.
        deferred: Of these, left for another night by `--limit`.
        adopted: Claims of those that a killed run has staged, once a listing, see `inputs.claim_of`.
        ignored: Files that are no photographs, by extension.
        seconds: That listing took.
        workers: Of the runner.
    """

    listed: int
    skipped: int
    deferred: int
    adopted: Sequence[bytes]
    ignored: Counter[str]
    seconds: float = 0.0
    workers: int = 1


def end_run(run: Run, plan: RunTotals, chunks: Collection[StagedChunk]) -> RunRecord:
    """Commits what is staged and adopted, leaves the run's record, and cleans up.

    A runner may call this again for a run that has committed already: its record is then read from the table.

    Args:
        run: The run.
        plan: What it found.
        chunks: What was staged, as the pipeline delivered it, never as a listing shows it.

    Raises:
        NothingCommittedError: A photograph is not accounted for, or the store refused; what is scored stays staged.
    """
    began, adopted = time.perf_counter(), {claim[:DIGEST_BYTES]: claim for claim in plan.adopted}
    put_off = {digest for chunk in chunks for digest in chunk.deferred}
    duplicates = sum(chunk.duplicates for chunk in chunks) + len(plan.adopted) - len(adopted)
    expected = sum(chunk.rows for chunk in chunks) + len(adopted)
    counts = Counts(
        listed=plan.listed,
        skipped=plan.skipped,
        duplicates=duplicates,
        deferred=plan.deferred + sum(len(chunk.deferred) for chunk in chunks),
        ignored=sum(plan.ignored.values()),
    )
    if counts.listed != expected + counts.skipped + counts.duplicates + counts.deferred:
        raise NothingCommittedError(
            f"of {counts.listed} listed photographs {expected} were staged, {counts.skipped} skipped, "
            f"{counts.duplicates} duplicates and {counts.deferred} deferred; the rest was lost on the way, so nothing "
            "was committed; start again, and choose another --runner if it happens again"
        )
    record = RunRecord(
        run.run_id,
        run.run_date.isoformat(),
        run.model_id,
        NOTHING_NEW,
        counts,
        ignored=dict(plan.ignored),
        stages=_stages(plan, chunks),
        workers=plan.workers,
    )
    if _store_is_down(chunks, plan.skipped) and not adopted:
        record = replace(record, outcome=STORE_DOWN, counts=replace(counts, deferred=counts.deferred + expected))
    elif expected:
        record = _commit(run, chunks, adopted, record)
    else:
        record = replace(record, table_version=run.table_version)
    if record.outcome == COMMITTED:
        committing = Stage(time.perf_counter() - began, record.counts.scored + record.counts.failed)
        record = replace(record, stages={**record.stages, "commit": committing})
    # Where it is not known one by one what is left over, what had been put off before stays put off.
    keeps = plan.deferred or record.outcome == STORE_DOWN
    deferred.write(run, put_off | deferred.read(run) if keeps else put_off)
    _leave(run, record)
    staging.clean(run)
    return record


def _stages(plan: RunTotals, chunks: Collection[StagedChunk]) -> dict[str, Stage]:
    stages = {"list": Stage(plan.seconds, plan.listed)}
    for chunk in chunks:
        for name, stage in chunk.stages.items():
            stages[name] = stages.get(name, Stage()) + stage
    return stages


def _leave(run: Run, record: RunRecord) -> None:
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
    """Tells a store that gives nothing from a few photographs that it will not give: those become rows."""
    failures = sum(chunk.store_failures for chunk in chunks)
    gave_nothing = failures > 0 and failures == sum(chunk.rows for chunk in chunks)
    return gave_nothing and (failures >= _MANY or not known)


def _commit(run: Run, chunks: Collection[StagedChunk], adopted: Mapping[bytes, bytes], record: RunRecord) -> RunRecord:
    planned, done, attempts = run.table_version, dict[bytes, int](), dict[bytes, int]()
    for _ in range(_TRIES):
        table = ScoreTable.open(run.layout)
        if table.version != planned:
            if table.holds(run.run_id):
                return _recalled(run, adopted, record, table)
            planned = table.version
            done, attempts = ledger.committed_since(run, table)
        rows = Rows(run, chunks, adopted, done, attempts)
        try:
            version = table.append(run.run_id, run.schema, rows.batches())
        except ConflictError:
            continue
        except NothingCommittedError:
            # Whoever staged what was to be adopted may have committed it, and cleaned up, meanwhile.
            if ScoreTable.open(run.layout).version == planned:
                raise
            continue
        return _filled(record, rows.tally, version, rows.dropped, rows.duplicates)
    raise NothingCommittedError(f"{run.layout}: other runs committed {_TRIES} times meanwhile; start again")


def _recalled(run: Run, adopted: Collection[bytes], record: RunRecord, table: ScoreTable) -> RunRecord:
    """Reads from the table what the run committed before it died."""
    tally = Tally()
    for batch in table.ledger_rows("run_id", run.run_id):
        tally.add(batch)
        tally.adopted += sum(digest in adopted for digest in ledger.digests_in(batch))
    counts = record.counts
    planned = counts.listed - counts.skipped - counts.duplicates - counts.deferred
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
