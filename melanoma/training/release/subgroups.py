"""What the tables of a training say of its patients, for judging subgroups."""

from collections.abc import Sequence

from melanoma.evaluation.inputs.bins import banded
from melanoma.evaluation.inputs.ground_truth import Columns, read_truths


def read_subgroups(tables: Sequence[str], image_id: str, label: str, by: Sequence[str]) -> dict[str, dict[str, str]]:
    """Reads columns such as age, sex and body site; numbers come in bands.

    Args:
        tables: CSV or Parquet, one row for each photograph.
        image_id: Column of the ids.
        label: Column of the classes.
        by: Columns to read.

    Returns:
        Values by column and image_id.

    Raises:
        UsageError: A table lacks a column.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in by}
    for uri in tables:
        known = read_truths(uri, Columns(image_id, label, by=tuple(by))).by_id
        for place, name in enumerate(by):
            values = banded(name, [truth.by[place] for truth in known.values()])
            found[name] |= dict(zip(known, values.tolist(), strict=True))
    return found
