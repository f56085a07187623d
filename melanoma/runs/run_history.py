"""The history of the runs of a score table: a series with one line a run, kept in a small file beside their records."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.ids import is_run_id
from melanoma.json_values import parsed, typed
from melanoma.runs import stored_values
from melanoma.runs.records import Counts, RunRecord
from melanoma.runs.run import started_at
from melanoma.runs.stored_records import read_document, record_of
from melanoma.runs.stored_values import checked
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
        drift_earlier: The same against earlier runs of the model; None if it was not assessed or is not known.
        seen: Distribution of the run's predictions, as `reference_of` returns it; empty if nothing was scored.
        model_name: Name of its bundle; empty if it is unknown.
        verdict: The verdict on the run, as `RunVerdict.as_json` returns it; empty where none is known.
        shard: The share of the photographs that it scored, such as `1/4`; empty for all of them.
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
    model_name: str
    verdict: dict[str, Any]
    drift_earlier: float | None
    shard: str


_MAX_BYTES = 256 << 20  # of the series; a run takes some kilobytes
_LATER_KEYS: Mapping[str, Any] = {
    "model_name": "",
    "verdict": {},
    "drift_earlier": None,
    "shard": "",
}  # what the lines of older versions lack

_LATER_COUNTS = {"other_shard": 0}


def summary_of(record: RunRecord, content: Mapping[str, Any]) -> RunSummary:
    """Returns what the series keeps of one run.

    Args:
        record: Record of the run.
        content: Content of its report; empty if there is none.
    """
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
        "drift": _drift(content, "bundle"),
        "seen": content.get("seen", {}),
        "model_name": record.model_name,
        "verdict": content.get("verdict", {}),
        "drift_earlier": _drift(content, "earlier"),
        "shard": record.shard,
    }


def _drift(content: Mapping[str, Any], against: str) -> float | None:
    found = content.get("drift", {}).get(against, {})
    return found["columns"][found["worst"]] if found.get("judged") else None


def start_of(run: RunSummary) -> str:
    """Returns the UTC time at which a run started, to the minute; empty if its id does not say."""
    return f"{started_at(run['run_id']):%Y-%m-%d %H:%M}" if is_run_id(run["run_id"]) else ""


def read_series(layout: OutputLayout) -> list[RunSummary]:
    """Returns the summary of every recorded run of a score table, the oldest first.

    Only the records of runs that the series' file does not know are read.

    Raises:
        ReadError: The store does not answer.
    """
    known, found = _kept(layout), list[RunSummary]()
    for run_id in recorded_runs(layout):
        summary = known.get(run_id) or _summary_in(layout, run_id)
        found += [summary] if summary else []
    return found


def write_series(layout: OutputLayout, runs: Sequence[RunSummary]) -> None:
    """Replaces the series' file.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    lines = "".join(f"{json.dumps(run, separators=(',', ':'))}\n" for run in runs)
    storage.write_bytes(layout.series, lines.encode())


def recorded_runs(layout: OutputLayout) -> list[str]:
    """Returns the ids of the runs that have a record, damaged or not, the oldest first.

    Raises:
        ReadError: The store does not answer.
    """
    if not storage.exists(layout.reports):
        return []
    runs = (layout.recorded_run(stored.uri) for stored in storage.list_files(layout.reports))
    return sorted({run_id for run_id in runs if run_id is not None})


def _kept(layout: OutputLayout) -> dict[str, RunSummary]:
    try:
        if not storage.exists(layout.series):
            return {}
        lines = map(parsed, storage.read_small(layout.series, _MAX_BYTES).decode().splitlines())
        return {line["run_id"]: _sound(_completed(typed(dict, line, "line"))) for line in lines}
    except (ReadError, ValueError, TypeError, KeyError):
        return {}  # the file is damaged: the records hold the same


def _completed(line: dict[str, Any]) -> dict[str, Any]:
    """Adds what the lines of older versions lack."""
    counts = line.get("counts")
    return {**_LATER_KEYS, **line, "counts": _LATER_COUNTS | counts if isinstance(counts, dict) else counts}


def _summary_in(layout: OutputLayout, run_id: str) -> RunSummary | None:
    try:
        document = read_document(layout, run_id)
        summary = _sound(dict(summary_of(record_of(document), typed(dict, document.get("report", {}), "report"))))
        return summary if summary["run_id"] == run_id else None
    except (ReadError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not a record


_CHECKS = {
    "run_id": stored_values.text,
    "run_date": stored_values.date,
    "model_id": stored_values.text,
    "outcome": stored_values.text,
    "counts": stored_values.numbers,
    "seconds": stored_values.optional(stored_values.amount),
    "table_version": stored_values.optional(stored_values.whole),
    "warnings": stored_values.whole,
    "drift": stored_values.optional(stored_values.amount),
    "seen": stored_values.distribution,
    "model_name": stored_values.text,
    "verdict": stored_values.mapping,
    "drift_earlier": stored_values.optional(stored_values.amount),
    "shard": stored_values.text,
}


def _sound(summary: dict[str, Any]) -> RunSummary:
    """Returns a summary with all its values.

    Raises:
        ValueError: A value is missing or of another kind.
    """
    checked(summary, _CHECKS, "summary")
    if missing := (_CHECKS.keys() - summary.keys()) | (Counts.__dataclass_fields__.keys() - summary["counts"].keys()):
        raise ValueError(f"the summary lacks {', '.join(sorted(missing))}")
    return cast(RunSummary, summary)
