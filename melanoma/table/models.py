"""The models whose rows a score table holds, and which of them counts."""

from dataclasses import dataclass

import pyarrow as pa

from melanoma.table.schema import PARTITION

PROMOTED = "melanoma.promoted"  # property of the table, readable by any Delta client


@dataclass(frozen=True)
class ModelFacts:
    """What a score table holds of one model.

    Attributes:
        model_id: Id of the model.
        rows: Number of its rows, failures included.
        first: Id of the first run with a row of it.
        last: Id of the last run with a row of it.
        is_promoted: Whether its probabilities count.
    """

    model_id: str
    rows: int
    first: str
    last: str
    is_promoted: bool


def models_in(rows: pa.Table, promoted: str | None) -> list[ModelFacts]:
    """Summarises the rows of each model.

    Args:
        rows: Columns model_id and run_id.
        promoted: Id of the promoted model; None where none was promoted, and the first in the table counts.

    Returns:
        One entry a model, ordered by its first run.
    """
    groups = rows.group_by(PARTITION).aggregate([("run_id", "count"), ("run_id", "min"), ("run_id", "max")])
    found = groups.sort_by("run_id_min").to_pylist()
    counting = promoted or (found[0][PARTITION] if found else None)
    return [
        ModelFacts(
            model_id=row[PARTITION],
            rows=row["run_id_count"],
            first=row["run_id_min"],
            last=row["run_id_max"],
            is_promoted=row[PARTITION] == counting,
        )
        for row in found
    ]
