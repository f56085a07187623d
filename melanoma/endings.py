"""What became of nights that ended without a word, as far as the table tells."""

from dataclasses import asdict

from melanoma import scores, storage
from melanoma.bundle import to_json
from melanoma.nights import read_series, write_series
from melanoma.rows import Tally
from melanoma.runs import COMMITTED, KILLED, REPORTS, STOPPED, Counts, RunRecord, record_uri, started_at
from melanoma.schema import FAILED, SCORED

_LOOK_BACK = 5  # nights


def record_death(output: str, run_id: str) -> None:
    """Leaves a record for a run that died without one.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    if not storage.exists(record_uri(output, run_id)):
        date = started_at(run_id).astimezone().date().isoformat()
        _write(output, _committed(output, run_id) or RunRecord(run_id, date, "", KILLED, Counts()))


def correct(output: str) -> None:
    """Corrects what says that nothing was committed, where a commit was under way when the night was ended.

    Raises:
        NothingCommittedError: The store does not take it, or the table cannot be read.
    """
    nights = read_series(output)
    wrong = set()
    for night in nights[-_LOOK_BACK:]:
        if night["outcome"] in (STOPPED, KILLED) and (record := _committed(output, night["run_id"])):
            _write(output, record)
            storage.remove(storage.join(storage.canonical(output), REPORTS, f"{record.run_id}.html"))
            wrong.add(record.run_id)
    if wrong:  # what the series does not know it reads from the records, and pages that are not there are made
        write_series(output, [night for night in nights if night["run_id"] not in wrong])


def _committed(output: str, run_id: str) -> RunRecord | None:
    """Gives the record of a run from its rows; None if the table holds none of it."""
    version = scores.has_committed(output, run_id)
    if version is None:
        return None
    rows = scores.rows(output, ["status", "error_kind", "top_label", "model_id", "run_date"], run_id=run_id)
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


def _write(output: str, record: RunRecord) -> None:
    storage.write_bytes(record_uri(output, record.run_id), to_json(asdict(record)))
