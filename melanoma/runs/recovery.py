"""Writes the records of runs that did not end by themselves; the table says whether they had committed."""

import datetime
import time

from melanoma import storage
from melanoma.runs import staging
from melanoma.runs.commit_rows import Tally
from melanoma.runs.records import COMMITTED, KILLED, REFUSED, STOPPED, Counts, RunRecord, write_record
from melanoma.runs.run import Run, new_run_id, started_at
from melanoma.runs.run_history import read_series, write_series
from melanoma.runs.stored_records import read_record, stored_record
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ScoreTable

_LOOK_BACK = 5  # runs
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
            write_record(run.layout, record)
        return False
    date = run.run_date.isoformat()
    record = RunRecord(run.run_id, date, run.model_id, outcome, Counts(), reason=reason, model_name=run.model_name)
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


def refused_start(reason: str, run_date: datetime.date | None, outcome: str = REFUSED) -> RunRecord:
    """Returns the record of a start that ended before there was a run.

    Args:
        reason: Why, for the operator; it names no photograph.
        run_date: Date of the run; None for today.
        outcome: `refused`, or `stopped` where another start may succeed.
    """
    run_id = new_run_id(datetime.datetime.now(datetime.UTC))
    return RunRecord(run_id, (run_date or datetime.date.today()).isoformat(), "", outcome, Counts(), reason=reason)


def record_death(layout: OutputLayout, run_id: str) -> str:
    """Writes the record of a run that died without one; returns what the operator should know.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
    """
    table = ScoreTable.open(layout)
    if table.holds(run_id):  # its staged rows are in the table, and must not be resumed
        staging.remove_run(layout, run_id)
    if stored_record(layout, run_id) is not None:
        return f"run {run_id} was killed after it had ended"
    if record := _committed(table, run_id):
        write_record(layout, record)
        return f"run {run_id} was killed after its commit; its record was made from its rows"
    write_record(layout, RunRecord(run_id, _date_of(run_id), "", KILLED, Counts()))
    return f"run {run_id} was killed before its commit; what it had scored is not scored again"


def restore(layout: OutputLayout) -> list[str]:
    """Makes the records of runs that committed but have no sound one; returns the ids of these runs.

    Raises:
        NothingCommittedError: The store does not take a record, or the table cannot be read.
        ReadError: The store does not answer.
    """
    table, restored = ScoreTable.open(layout), list[str]()
    for run_id in table.recent_runs(_LOOK_BACK):
        if stored_record(layout, run_id) is None and (record := _committed(table, run_id)):
            write_record(layout, record)
            restored.append(run_id)
    return restored


def correct(layout: OutputLayout) -> None:
    """Corrects records that say "nothing committed" of runs whose commit went through while they were being ended.

    Raises:
        NothingCommittedError: The store does not take a record, or the table cannot be read.
    """
    series, wrong = read_series(layout), set[str]()
    doubtful = [run["run_id"] for run in series[-_LOOK_BACK:] if run["outcome"] in (STOPPED, KILLED, REFUSED)]
    table = ScoreTable.open(layout) if doubtful else None
    for run_id in doubtful:
        if table is not None and (record := _committed(table, run_id)):
            write_record(layout, record)
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
