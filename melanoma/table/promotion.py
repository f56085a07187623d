"""The models whose rows a score table holds: which of them counts, and how a bad one is taken out."""

from dataclasses import dataclass

from melanoma.errors import UsageError
from melanoma.table import score_table
from melanoma.table.maintenance import changing, opened
from melanoma.table.schema import PARTITION


@dataclass(frozen=True)
class ModelFacts:
    """What a score table holds of one model.

    Attributes:
        model_id: Of the model.
        rows: Its rows, failures included.
        first: Id of the first run with one.
        last: Id of the last run with one.
        is_promoted: Whether its answers count.
    """

    model_id: str
    rows: int
    first: str
    last: str
    is_promoted: bool


def models(uri: str) -> list[ModelFacts]:
    """Says what a score table holds of each model, the one that was first in it at the front.

    Raises:
        UsageError: There is no table.
    """
    promoted = score_table.promoted(uri)
    groups = score_table.rows(uri, [PARTITION, "run_id"]).group_by(PARTITION)
    found = groups.aggregate([("run_id", "count"), ("run_id", "min"), ("run_id", "max")]).sort_by("run_id_min")
    return [
        ModelFacts(
            row[PARTITION], row["run_id_count"], row["run_id_min"], row["run_id_max"], row[PARTITION] == promoted
        )
        for row in found.to_pylist()
    ]


def promote(uri: str, model_id: str) -> int:
    """Lets a model's answers count from now on.

    Returns:
        The version of the table that says so.

    Raises:
        UsageError: There is no table, or it holds no row of the model.
        NothingCommittedError: The store or the disk refused.
    """
    _known(uri, model_id)
    table = opened(uri)
    with changing(uri):
        table.alter.set_table_properties({score_table.PROMOTED: model_id}, raise_if_not_exists=False)
    return int(table.version())


def delete_model(uri: str, model_id: str) -> int:
    """Deletes all rows of a model, so that a night with its bundle would score everything again.

    Returns:
        How many.

    Raises:
        UsageError: There is no table, it holds no row of the model, or the model is the promoted one.
        NothingCommittedError: The store or the disk refused.
    """
    facts = _known(uri, model_id)
    if facts.is_promoted:
        raise UsageError(f"{model_id} is the promoted model; promote another one first")
    table = opened(uri)
    with changing(uri):
        table.delete(f"{PARTITION} = '{facts.model_id}'")
    return facts.rows


def _known(uri: str, model_id: str) -> ModelFacts:
    known = {facts.model_id: facts for facts in models(uri)}
    if model_id not in known:
        raise UsageError(f"{uri}: no row of {model_id!r}; the table knows {', '.join(known) or 'no model'}")
    return known[model_id]
