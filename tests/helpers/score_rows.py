"""Rows of the score table, made by hand and committed as a run commits them."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in

SLUGS = ("melanoma", "nevus")
SHA = "5a0f" * 16


def row(name: str, **values: Any) -> dict[str, Any]:
    """Returns a scored photograph's row; every text in it that could name a patient contains DOE."""
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    defaults = {
        "image_id": f"DOE-{name}",
        "image_uri": f"file:///archive/DOE-{name}.jpg",
        "image_version": f"DOE-version-{name}",
        "run_date": now.date(),
        "run_id": "20260102T030405Z-00000000",
        "scored_at": now,
        "status": "scored",
        "attempt": 1,
        "image_sha256": SHA,
        "top_label": "nevus",
        "top_probability": 0.75,
        "model_id": "m-000000000001",
        "p_melanoma": 0.25,
        "p_nevus": 0.75,
    }
    return {**defaults, **values}


def failed(name: str, **values: Any) -> dict[str, Any]:
    """Returns the row of a photograph that could not be scored."""
    nothing = dict.fromkeys(("top_label", "top_probability", "p_melanoma", "p_nevus"))
    return row(name, status="failed", error_kind="corrupt", error="DOE said so", **nothing, **values)


def commit(
    uri: Path | str, rows: list[dict[str, Any]], schema: pa.Schema | None = None, run_id: str = "run", **options: Any
) -> int:
    """Commits rows as a run does, planned against the version `planned` or the newest, and returns the new version."""
    schema = schema or score_schema(SLUGS)
    planned = options["planned"] if options else table_in(uri).version
    batches = pa.Table.from_pylist(rows, schema=schema).to_batches()
    return ScoreTable.at(layout_of(uri), planned).append(run_id, schema, iter(batches))
