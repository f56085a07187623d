"""The models in a score table, and which of them is promoted."""

from dataclasses import dataclass

import pyarrow as pa

from melanoma.table.model_names import shown
from melanoma.table.schema import PARTITION

PROMOTED = "melanoma.promoted"  # property of the table, readable by any Delta client


@dataclass(frozen=True)
class ModelFacts:
    """The rows of one model in a score table.

    Attributes:
        model_id: Id of the model.
        rows: Number of rows, failed ones included.
        first: Id of its first run.
        last: Id of its last run.
        is_promoted: Whether its probabilities count.
        is_default: Whether they count only because it is the first model and none was promoted.
        name: Name for people, from the records of its runs; empty if they state none.
    """

    model_id: str
    rows: int
    first: str
    last: str
    is_promoted: bool
    is_default: bool = False
    name: str = ""

    @property
    def shown(self) -> str:
        """The model for people: its name and id."""
        return shown(self.model_id, self.name)


def models_in(rows: pa.Table, promoted: str | None) -> list[ModelFacts]:
    """Summarises the rows of each model.

    Args:
        rows: Columns model_id and run_id.
        promoted: Id of the promoted model; None if none was promoted, so that the first one in the table counts.

    Returns:
        One entry per model, ordered by its first run.
    """
    groups = rows.group_by(PARTITION).aggregate([("run_id", "count"), ("run_id", "min"), ("run_id", "max")])
    found = groups.sort_by("run_id_min").to_pylist()
    counting = promoted if promoted is not None or not found else found[0][PARTITION]
    return [
        ModelFacts(
            model_id=row[PARTITION],
            rows=row["run_id_count"],
            first=row["run_id_min"],
            last=row["run_id_max"],
            is_promoted=row[PARTITION] == counting,
            is_default=row[PARTITION] == counting and promoted is None,
        )
        for row in found
    ]
