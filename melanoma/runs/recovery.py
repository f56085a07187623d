"""Writes the records of runs that did not end by themselves; the table says whether they had committed."""

import datetime
import time
from dataclasses import replace

from melanoma import storage
from melanoma.runs import staging
from melanoma.runs.commit_rows import Tally
from melanoma.runs.records import COMMITTED, KILLED, REFUSED, STOPPED, Counts, RunRecord, write_record
from melanoma.runs.run import Run, new_run_id, started_at
from melanoma.runs.run_history import read_series, write_series
from melanoma.runs.stored_records import read_record, stored_record
from melanoma.shards import Shard
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ScoreTable

_LOOK_BACK = 5  # runs
_LAST = "~"  # sorts behind the id of every run
_COMMIT_TO_RECORD_SECONDS = 2.0


def record_stop(run: Run, reason: str = "", outcome: str = STOPPED) -> bool:
    """Writes the record of a run that is being ended, unless it has ended already.

    A run that has committed but has no record yet is about to write it; if none comes, it is made from the table.

    Args:
        run: The run.
        reason: A clause that names no photograph; empty where none is known.
        outcome: `stopped`, or `refused` if a person has to correct something first.

    Returns:
        Whether it was ended before its commit.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
        ReadError: The store does not answer.
    """
    if read_record(run) is not None:
        return False
    table = ScoreTable.open(run.layout)
    if table.holds(run.run_id):
        time.sleep(_COMMIT_TO_RECORD_SECONDS)
        if read_record(run) is None and (record := _committed(table, run.run_id)):
            write_record(run.layout, replace(record, shard=run.shard_text))
        return False
    date = run.run_date.isoformat()
    record = RunRecord(run.run_id, date, run.model_id, outcome, Counts(), reason=reason)
    record = replace(record, model_name=run.model_name, shard=run.shard_text)
    write_record(run.layout, record)
    return True


def has_committed_after_all(run: Run) -> bool:
    """Tells whether a run committed while it was being stopped, and corrects its record then.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
        ReadError: The store does not answer.
    """
    if (record := _committed(ScoreTable.open(run.layout), run.run_id)) is None:
        return False
    written = read_record(run)
    if written is None or written.outcome != COMMITTED:  # its workers may have written their own meanwhile
        write_record(run.layout, record)
    return True


def record_of_run(run: Run) -> RunRecord | None:
    """Returns the record of a run, from its rows if its file is damaged; None if it has neither.

    Raises:
        NothingCommittedError: The table cannot be read.
        ReadError: The store does not answer.
    """
    return read_record(run) or _committed(ScoreTable.open(run.layout), run.run_id)


def has_records(layout: OutputLayout) -> bool:
    """Tells whether a run has left a record in an output before.

    Raises:
        ReadError: The store does not answer.
    """
    return storage.exists(layout.reports)


def refused_start(
    reason: str, run_date: datetime.date | None, outcome: str = REFUSED, shard: Shard | None = None
) -> RunRecord:
    """Returns the record of a start that ended before there was a run.

    Args:
        reason: Why, for the operator; it names no photograph.
        run_date: Date of the run; None for today.
        outcome: `refused`, or `stopped` where another start may succeed.
        shard: The share of the photographs that was to be scored; None for all of them.
    """
    run_id = new_run_id(datetime.datetime.now(datetime.UTC))
    date = (run_date or datetime.date.today()).isoformat()
    return RunRecord(run_id, date, "", outcome, Counts(), reason=reason, shard=str(shard or ""))


def record_death(layout: OutputLayout, run_id: str, shard: Shard | None = None) -> str:
    """Writes the record of a run that died without one; returns what the operator should know.

    Args:
        layout: Layout of the output folder.
        run_id: Id of the run.
        shard: The share of the photographs that it scored; None for all of them.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
    """
    table = ScoreTable.open(layout)
    if table.holds(run_id):  # its staged rows are in the table, and must not be resumed
        staging.remove_run(layout, run_id)
    if stored_record(layout, run_id) is not None:
        return f"run {run_id} was killed after it had ended"
    if record := _committed(table, run_id):
        write_record(layout, replace(record, shard=str(shard or "")))
        return f"run {run_id} was killed after its commit; its record was made from its rows"
    of_shard = "" if shard is None else f" of shard {shard}"
    write_record(layout, RunRecord(run_id, _date_of(run_id), "", KILLED, Counts(), shard=str(shard or "")))
    return f"run {run_id}{of_shard} was killed before its commit; what it had scored is not scored again"


def restore(layout: OutputLayout, before: str = _LAST, shards: int = 1) -> list[str]:
    """Makes the records of runs that committed but have no sound one; returns the ids of these runs.

    Args:
        layout: Layout of the output folder.
        before: Id of the earliest run that is active, which may be about to write its record; later ones are left out.
        shards: Number of runs that commit on one night.

    Raises:
        NothingCommittedError: The store does not take a record, or the table cannot be read.
        ReadError: The store does not answer.
    """
    table, restored = ScoreTable.open(layout), list[str]()
    for run_id in table.recent_runs(_LOOK_BACK * shards):
        if run_id < before and stored_record(layout, run_id) is None and (record := _committed(table, run_id)):
            write_record(layout, record)
            restored.append(run_id)
    return restored


def correct(layout: OutputLayout, before: str = _LAST, shards: int = 1) -> None:
    """Corrects records that say "nothing committed" of runs whose commit went through while they were being ended.

    Args:
        layout: Layout of the output folder.
        before: Id of the earliest run that is active; it and later ones are left out.
        shards: Number of runs that end on one night.

    Raises:
        NothingCommittedError: The store does not take a record, or the table cannot be read.
    """
    series, wrong = read_series(layout), set[str]()
    recent = [run for run in series[-_LOOK_BACK * shards :] if run["run_id"] < before]
    doubtful = {run["run_id"]: run["shard"] for run in recent if run["outcome"] in (STOPPED, KILLED, REFUSED)}
    table = ScoreTable.open(layout) if doubtful else None
    for run_id, shard in doubtful.items():
        if table is not None and (record := _committed(table, run_id)):
            write_record(layout, replace(record, shard=shard))
            storage.remove(layout.report(run_id))  # the next run writes it again
            wrong.add(run_id)
    if wrong:  # what the series lacks is read from the records
        write_series(layout, [run for run in series if run["run_id"] not in wrong])


def _committed(table: ScoreTable, run_id: str) -> RunRecord | None:
    """Returns the record of a run, made from its rows; None if the table holds none of it."""
    if not table.holds(run_id):
        return None
    rows = table.rows(["status", "error_kind", "top_label", "model_id", "run_date"], run_id=run_id)
    tally = Tally()
    tally.add(rows)
    models, dates = rows["model_id"].unique().to_pylist(), rows["run_date"].unique().to_pylist()
    return RunRecord(
        run_id,
        dates[0].isoformat() if dates else _date_of(run_id),
        models[0] if models else "",
        COMMITTED,
        Counts(listed=tally.total, scored=tally.statuses[SCORED], failed=tally.statuses[FAILED]),
        table_version=table.version,
        failures=dict(tally.kinds),
        classes=dict(tally.classes),
        warnings=("the run was ended after its commit: its listing and its duration are not known",),
    )


def _date_of(run_id: str) -> str:
    return started_at(run_id).astimezone().date().isoformat()
