"""How many photographs of a run were flagged, and how many a person should look at first."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from melanoma.table.schema import COLUMNS

FLAGS = tuple(column.name for column in COLUMNS if column.type == pa.bool_())
REASON = "review_reason"


def flag_counts(rows: pa.Table) -> dict[str, Any]:
    """Counts the flags of scored rows.

    Args:
        rows: Columns `FLAGS` and `REASON`.

    Returns:
        JSON values: `n`, number of rows; `counts`, rows in which each flag is set, only flags that the bundle has a
        threshold for; `reasons`, rows by reason for a review.
    """
    n = rows.num_rows
    present = [name for name in FLAGS if rows[name].null_count < n]
    reasons = rows[REASON].drop_null().value_counts().to_pylist() if n else []
    return {
        "n": n,
        "counts": {name: int(pyarrow.compute.sum(rows[name]).as_py() or 0) for name in present},
        "reasons": {entry["values"]: entry["counts"] for entry in reasons},
    }


def added_flags(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Adds up what `flag_counts` returned for the parts of a run; a flag counts where any part has it."""
    counts = {name: sum((Counter(part[name]) for part in parts), Counter[str]()) for name in ("counts", "reasons")}
    zeros = {name: 0 for part in parts for name in part["counts"]}
    return {
        "n": sum(part["n"] for part in parts),
        "counts": zeros | dict(counts["counts"]),
        "reasons": dict(counts["reasons"]),
    }
