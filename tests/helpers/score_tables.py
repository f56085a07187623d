"""Score tables and label files of a few photographs, in real Delta Lake and CSV."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from melanoma.evaluation.inputs.table_predictions import TablePredictions, read_table_predictions
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in

MODEL, OTHER_MODEL = "m-000000000001", "m-000000000002"
SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")
_START = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def scored_row(image_id: str, *p: float, slugs: Sequence[str] = SLUGS, day: int = 0, **values: Any) -> dict[str, Any]:
    """Returns the row of a scored photograph whose most likely class was chosen."""
    likeliest = max(range(len(slugs)), key=lambda index: p[index])
    return {
        "image_id": image_id,
        "image_uri": f"file:///archive/{image_id}.jpg",
        "image_version": "1",
        "run_date": _START.date(),
        "run_id": "run",
        "scored_at": _START + datetime.timedelta(days=day),
        "status": "scored",
        "attempt": 1,
        "image_sha256": hashlib.sha256(image_id.encode()).hexdigest(),
        "top_label": slugs[likeliest],
        "top_probability": p[likeliest],
        "model_id": MODEL,
        **{f"p_{slug}": share for slug, share in zip(slugs, p, strict=True)},
        **values,
    }


def failed_row(image_id: str, day: int = 0, **values: Any) -> dict[str, Any]:
    """Returns the row of a photograph that could not be scored."""
    nothing = dict.fromkeys(["top_label", "top_probability", "image_sha256", *(f"p_{slug}" for slug in SLUGS)])
    row = scored_row(image_id, 1, 0, 0, day=day, status="failed", error_kind="corrupt", error="corrupt")
    return {**row, **nothing, **values}


def write_table(uri: Path, rows: Sequence[Mapping[str, Any]], slugs: Sequence[str] = SLUGS) -> str:
    """Appends rows to a score table, creating it if there is none, and returns its path."""
    schema = score_schema(slugs)
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    ScoreTable.at(layout_of(uri), table_in(uri).version).append("run", schema, iter(table.to_batches()))
    return str(uri)


def read_predictions(
    folder: str, model_id: str | None = None, option: str = "--model-id", run_id: str | None = None
) -> TablePredictions:
    """Reads the predictions of the newest version of a score table."""
    return read_table_predictions(ScoreTable.in_folder(folder), model_id, option, run_id)


def write_labels(path: Path, text: str) -> str:
    """Writes a label file and returns its path."""
    path.write_text(text, encoding="utf-8")
    return str(path)
