"""The nights of a score table as a series: one small file beside their records."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.runs.records import RunRecord, record_of
from melanoma.table.layout import OutputLayout

Night = dict[str, Any]


def night_of(record: RunRecord, facts: Mapping[str, Any]) -> Night:
    """Gives what the series keeps of one run.

    Args:
        record: That the run left.
        facts: Of its report; empty where there is none.
    """
    found = facts.get("drift", {}).get("bundle", {})
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
        "seen": facts.get("seen", {}),
    }


def read_series(layout: OutputLayout) -> list[Night]:
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


def write_series(layout: OutputLayout, nights: Sequence[Night]) -> None:
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


def _kept(layout: OutputLayout) -> list[Night]:
    try:
        lines = storage.read_bytes(layout.series).decode().splitlines() if storage.exists(layout.series) else []
        return [json.loads(line) for line in lines]
    except (ReadError, ValueError):
        return []  # it is made anew from the records


def _night(uri: str) -> Night | None:
    try:
        document = json.loads(storage.read_bytes(uri))
        return night_of(record_of(document), document.get("report", {}))
    except (ReadError, ValueError, TypeError, KeyError):
        return None  # not a record of ours
