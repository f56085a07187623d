"""Writes the records of runs that were stopped or killed; the table says whether they had committed."""

from melanoma import storage
from melanoma.runs.commit_rows import Tally
from melanoma.runs.records import COMMITTED, KILLED, STOPPED, Counts, RunRecord, read_record, write_record
from melanoma.runs.run import Run, started_at
from melanoma.runs.run_history import read_series, write_series
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ScoreTable

_LOOK_BACK = 5  # runs


def record_stop(run: Run, reason: str = "") -> bool:
    """Writes the record of a run that was stopped, unless it has ended or committed already.

    Args:
        run: The run that was stopped.
        reason: A sentence that names no photograph; empty where none is known.

    Returns:
        Whether it was stopped before its commit.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
        ReadError: The store does not answer.
    """
    if read_record(run) is not None or ScoreTable.open(run.layout).holds(run.run_id):
        return False
    date = run.run_date.isoformat()
    stopped = RunRecord(run.run_id, date, run.model_id, STOPPED, Counts(), reason=reason, model_name=run.model_name)
    write_record(run.layout, stopped)
    return True


def record_death(layout: OutputLayout, run_id: str) -> None:
    """Writes the record of a run that died without one.

    Raises:
        NothingCommittedError: The store does not take the record, or the table cannot be read.
    """
    if not storage.exists(layout.record(run_id)):
        table = ScoreTable.open(layout)
        write_record(layout, _committed(table, run_id) or RunRecord(run_id, _date_of(run_id), "", KILLED, Counts()))


def correct(layout: OutputLayout) -> None:
    """Corrects records that say "nothing committed" of runs whose commit went through while they were being ended.

    Raises:
        NothingCommittedError: The store does not take a record, or the table cannot be read.
    """
    series, wrong = read_series(layout), set[str]()
    doubtful = [run["run_id"] for run in series[-_LOOK_BACK:] if run["outcome"] in (STOPPED, KILLED)]
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
