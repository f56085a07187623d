"""Patient data from the tables of a training, used to evaluate subgroups."""

from collections.abc import Sequence

from melanoma.evaluation.inputs.bins import bin_values
from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth


def read_subgroups(
    tables: Sequence[str], image_id: str | None, label: str | None, by: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Reads columns such as age, sex and body site; numbers are grouped into bands.

    Args:
        tables: CSV or Parquet tables, one row per photograph; a later one overrides an earlier one.
        image_id: Column of the ids; None for that of a known collection.
        label: Column of the classes; None likewise.
        by: Columns to read.

    Returns:
        Values by column and image_id.

    Raises:
        UsageError: A table lacks a column.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in by}
    for uri in tables:
        truths = read_ground_truth(uri, LabelColumns(image_id, label, by=tuple(by))).by_id
        for position, name in enumerate(by):
            values = bin_values(name, [truth.by[position] for truth in truths.values()])
            found[name] |= dict(zip(truths, values.tolist(), strict=True))
    return found
