"""The photographs that failed in a run, for its report."""

from typing import Any

from melanoma.reporting.photograph_names import PhotographNames
from melanoma.runs.records import COMMITTED, RunRecord
from melanoma.table.schema import FAILED
from melanoma.table.score_table import ScoreTable

MAX_LISTED = 50


def failed_photographs(table: ScoreTable, record: RunRecord, names: PhotographNames) -> list[dict[str, Any]]:
    """Lists the first photographs that failed, by error kind and name.

    Args:
        table: The score table after the run.
        record: Record of the run.
        names: Names of photographs in the report.

    Returns:
        At most `MAX_LISTED` JSON values: `photograph`, `kind`, `detail`, `attempt`.

    Raises:
        MelanomaError: The score table cannot be read.
    """
    if record.outcome != COMMITTED or not record.counts.failed:
        return []
    columns = ["image_uri", "error_kind", "error", "attempt"]
    rows = table.rows(columns, model_id=record.model_id, run_id=record.run_id, status=FAILED)
    first = rows.sort_by([("error_kind", "ascending"), ("image_uri", "ascending")]).slice(0, MAX_LISTED)
    return [
        {
            "photograph": names.of(row["image_uri"]),
            "kind": row["error_kind"],
            "detail": row["error"],
            "attempt": row["attempt"],
        }
        for row in first.to_pylist()
    ]
