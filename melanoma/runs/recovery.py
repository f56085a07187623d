"""What became of nights that did not come to their end, as far as the table tells."""

from melanoma import storage
from melanoma.runs.commit_rows import Tally
from melanoma.runs.records import COMMITTED, KILLED, STOPPED, Counts, RunRecord, read_record, write_record
from melanoma.runs.run import REPORTS, Run, record_uri, started_at
from melanoma.runs.run_history import read_series, write_series
from melanoma.table import score_table
from melanoma.table.schema import FAILED, SCORED

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
    if read_record(run) is not None or score_table.has_committed(run.output, run.run_id) is not None:
        return False
    date = run.run_date.isoformat()
    write_record(run.output, RunRecord(run.run_id, date, run.model_id, STOPPED, Counts(), reason=reason))
    return True


def record_death(output: str, run_id: str) -> None:
    """Leaves a record for a run that died without one.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    if not storage.exists(record_uri(output, run_id)):
        date = started_at(run_id).astimezone().date().isoformat()
        write_record(output, _committed(output, run_id) or RunRecord(run_id, date, "", KILLED, Counts()))


def correct(output: str) -> None:
    """Corrects what says that nothing was committed, where a commit was under way when the night was ended.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    nights = read_series(output)
    wrong = set()
    for night in nights[-_LOOK_BACK:]:
        if night["outcome"] in (STOPPED, KILLED) and (record := _committed(output, night["run_id"])):
            write_record(output, record)
            storage.remove(storage.join(storage.canonical(output), REPORTS, f"{record.run_id}.html"))
            wrong.add(record.run_id)
    if wrong:  # what the series does not know it reads from the records, and pages that are not there are made
        write_series(output, [night for night in nights if night["run_id"] not in wrong])


def _committed(output: str, run_id: str) -> RunRecord | None:
    """Gives the record of a run from its rows; None if the table holds none of it."""
    version = score_table.has_committed(output, run_id)
    if version is None:
        return None
    rows = score_table.rows(output, ["status", "error_kind", "top_label", "model_id", "run_date"], run_id=run_id)
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
        table_version=version,
        failures=dict(tally.kinds),
        classes=dict(tally.classes),
        warnings=("the night was ended after its commit: of its listing and its time nothing is known",),
    )
