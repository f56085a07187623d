"""Which hospital, camera or collection a photograph comes from, and validation on one that training does not see."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.datasets.label_tables import Columns, is_table, read_label_rows
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import VALIDATION
from melanoma.errors import UsageError


def with_sources(
    photographs: Sequence[Photograph], uri: str, columns: Columns | None, source_column: str | None
) -> list[Photograph]:
    """Returns the photographs of one folder or table with their sources.

    Args:
        photographs: As read from it.
        uri: The folder or table, which names the source where no column does.
        columns: Columns of the table.
        source_column: Its column with the source; None for a table that is one source.

    Raises:
        UsageError: The table lacks the column.
    """
    name = storage.stem_of(storage.canonical(uri).rstrip("/"))
    stated: dict[str, str] = {}
    if source_column and columns and is_table(uri):
        stated = {row.image_id: row.group for row in read_label_rows(uri, replace(columns, group=source_column))}
    return [replace(one, source=stated.get(one.image_id) or name) for one in photographs]


def validate_on(
    photographs: Sequence[Photograph], parts: npt.NDArray[np.str_], sources: Sequence[str]
) -> npt.NDArray[np.str_]:
    """Moves every photograph of some sources to validation, with all others of their lesions or patients.

    Args:
        photographs: Photographs with their sources.
        parts: Part of each by lesion.
        sources: Names of the sources.

    Returns:
        Array (photographs,) with the part of each.

    Raises:
        UsageError: The source does not exist, or is the only one.
    """
    known = sorted({photograph.source for photograph in photographs})
    if unknown := [name for name in sources if name not in known]:
        raise UsageError(f"--validate-on-source {unknown[0]}: no photograph is from there; sources: {', '.join(known)}")
    if set(known) <= set(sources):
        raise UsageError(f"--validate-on-source: leaves no other source to train on; sources: {', '.join(known)}")
    groups = {photograph.group for photograph in photographs if photograph.source in sources}
    moved = np.array([photograph.group in groups for photograph in photographs], np.bool_)
    return np.where(moved, VALIDATION, parts)
