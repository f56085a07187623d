"""The rows of the view `nights`: one per run and model."""

import datetime
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from melanoma.runs.run import started_at
from melanoma.runs.run_history import RunSummary

SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("run_date", pa.date32()),
        ("started_at", pa.timestamp("s", "UTC")),
        ("model_id", pa.string()),
        ("outcome", pa.string()),
        ("listed", pa.int64()),
        ("scored", pa.int64()),
        ("failed", pa.int64()),
        ("skipped", pa.int64()),
        ("duplicates", pa.int64()),
        ("deferred", pa.int64()),
        ("ignored", pa.int64()),
        ("seconds", pa.float64()),
        ("table_version", pa.int64()),
        ("warnings", pa.int64()),
        ("drift", pa.float64()),
        ("model_name", pa.string()),
        ("drift_earlier", pa.float64()),
        ("shard", pa.string()),
        ("other_shard", pa.int64()),
    ]
)


def run_rows(runs: Iterable[RunSummary]) -> pa.Table:
    """Returns the summaries of runs as a table with the columns of `SCHEMA`.

    Args:
        runs: Summaries, as `read_series` returns them.
    """
    return pa.Table.from_pylist([_row(run) for run in runs], schema=SCHEMA)


def _row(run: RunSummary) -> dict[str, Any]:
    times = {
        "run_date": datetime.date.fromisoformat(run["run_date"]),
        "started_at": started_at(run["run_id"]),
    }
    known = {**run, **run["counts"], **times, "model_name": run["model_name"] or None}
    known |= {"shard": run["shard"] or None}
    return {name: known[name] for name in SCHEMA.names}
