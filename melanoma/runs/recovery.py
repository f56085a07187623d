"""What became of nights that did not come to their end, as far as the table tells."""

from melanoma import storage
from melanoma.runs.commit_rows import Tally
from melanoma.runs.records import COMMITTED, KILLED, STOPPED, Counts, RunRecord, read_record, write_record
from melanoma.runs.run import Run, started_at
from melanoma.runs.run_history import read_series, write_series
from melanoma.table.layout import OutputLayout
from melanoma.table.schema import FAILED, SCORED
from melanoma.table.score_table import ScoreTable

_LOOK_BACK = 5  # nights


def record_stop(run: Run, reason: str = "") -> bool:
    """Leaves a record for a run that was stopped, unless it has ended or committed already.

    Args:
        run: That was stopped.
        reason: In a sentence that names no photograph; empty where it is not known.

    Returns:
        Whether it was stopped before its commit.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
        ReadError: The store does not answer.
    """
    if read_record(run) is not None or ScoreTable.open(run.layout).holds(run.run_id):
        return False
    date = run.run_date.isoformat()
    write_record(run.layout, RunRecord(run.run_id, date, run.model_id, STOPPED, Counts(), reason=reason))
    return True


def record_death(layout: OutputLayout, run_id: str) -> None:
    """Leaves a record for a run that died without one.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    if not storage.exists(layout.record(run_id)):
        date = started_at(run_id).astimezone().date().isoformat()
        write_record(layout, _committed(layout, run_id) or RunRecord(run_id, date, "", KILLED, Counts()))


def correct(layout: OutputLayout) -> None:
    """Corrects what says that nothing was committed, where a commit was under way when the night was ended.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    nights = read_series(layout)
    wrong = set()
    for night in nights[-_LOOK_BACK:]:
        if night["outcome"] in (STOPPED, KILLED) and (record := _committed(layout, night["run_id"])):
            write_record(layout, record)
            storage.remove(layout.report(record.run_id))
            wrong.add(record.run_id)
    if wrong:  # what the series does not know it reads from the records, and pages that are not there are made
        write_series(layout, [night for night in nights if night["run_id"] not in wrong])


def _committed(layout: OutputLayout, run_id: str) -> RunRecord | None:
    """Gives the record of a run from its rows; None if the table holds none of it."""
    table = ScoreTable.open(layout)
    if not table.holds(run_id):
        return None
    rows = table.rows(["status", "error_kind", "top_label", "model_id", "run_date"], run_id=run_id)
    tally = Tally()
    tally.add(rows)
    counts = Counts(listed=tally.total, scored=tally.statuses[SCORED], failed=tally.statuses[FAILED])
    models, dates = rows["model_id"].unique().to_pylist(), rows["run_date"].unique().to_pylist()
    return RunRecord(
        run_id,
        dates[0].isoformat() if dates else started_at(run_id).astimezone().date().isoformat(),
        models[0] if models else "",
        COMMITTED,
        counts,
        table_version=table.version,
        failures=dict(tally.kinds),
        classes=dict(tally.classes),
        warnings=("the night was ended after its commit: of its listing and its time nothing is known",),
    )
