"""The nights of a score table as a series: one small file beside their records."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.runs.records import RunRecord, record_of
from melanoma.table.layout import OutputLayout


class RunSummary(TypedDict):
    """What the series keeps of one run.

    Attributes:
        run_id: Id of the run.
        run_date: Local date at its start, ISO.
        model_id: Id of its model.
        outcome: Outcome as in its record.
        counts: Counts as in its record, by name.
        seconds: Duration; None if it is unknown.
        table_version: Version of the score table after the run; None while there is no table.
        warnings: Number of warnings.
        drift: Largest drift index against the bundle's reference; None if it was not assessed.
        seen: Distribution of the run's predictions, as `reference_of` returns it; empty if nothing was scored.
    """

    run_id: str
    run_date: str
    model_id: str
    outcome: str
    counts: dict[str, int]
    seconds: float | None
    table_version: int | None
    warnings: int
    drift: float | None
    seen: dict[str, Any]


def summary_of(record: RunRecord, content: Mapping[str, Any]) -> RunSummary:
    """Returns what the series keeps of one run.

    Args:
        record: Record of the run.
        content: Content of its report; empty if there is none.
    """
    found = content.get("drift", {}).get("bundle", {})
    counts = record.counts
    return {
        "run_id": record.run_id,
        "run_date": record.run_date,
        "model_id": record.model_id,
        "outcome": record.outcome,
        "counts": {name: getattr(counts, name) for name in counts.__dataclass_fields__},
        "seconds": record.seconds,
        "table_version": record.table_version,
        "warnings": len(record.warnings),
        "drift": found["columns"][found["worst"]] if found.get("judged") else None,
        "seen": content.get("seen", {}),
    }


def read_series(layout: OutputLayout) -> list[RunSummary]:
    """Gives what is kept of every run of a score table, the oldest first.

    One small file holds what was known of the earlier runs; only records that it does not know are read.

    Args:
        layout: Of the output folder.
    """
    known = {night["run_id"]: night for night in _kept(layout)}
    nights = []
    for run_id in _recorded(layout):
        night = known.get(run_id) or _night(layout.record(run_id))
        nights += [night] if night else []
    return nights


def write_series(layout: OutputLayout, nights: Sequence[RunSummary]) -> None:
    """Keeps the series.

    Raises:
        NothingCommittedError: The store or the disk does not take it.
    """
    lines = "".join(f"{json.dumps(night, separators=(',', ':'))}\n" for night in nights)
    storage.write_bytes(layout.series, lines.encode())


def _recorded(layout: OutputLayout) -> list[str]:
    if not storage.exists(layout.reports):
        return []
    runs = (layout.recorded_run(stored.uri) for stored in storage.list_files(layout.reports))
    return sorted(run_id for run_id in runs if run_id is not None)


def _kept(layout: OutputLayout) -> list[RunSummary]:
    try:
        lines = storage.read_bytes(layout.series).decode().splitlines() if storage.exists(layout.series) else []
        return [json.loads(line) for line in lines]
    except (ReadError, ValueError):
        return []  # it is made anew from the records


def _night(uri: str) -> RunSummary | None:
    try:
        document = json.loads(storage.read_bytes(uri))
        return summary_of(record_of(document), document.get("report", {}))
    except (ReadError, ValueError, TypeError, KeyError):
        return None  # not a record of ours
