"""Reads the score table in small portions, so that a query needs little memory however large the table is."""

from typing import Any

import pyarrow.dataset

_BATCH_ROWS = 16_384


class LeanDataset(pyarrow.dataset.FileSystemDataset):
    """A dataset that reads one data file at a time, and only one batch ahead.

    Arrow's own default reads 16 batches of 131,072 rows ahead in four files at once.
    """

    def scanner(self, *args: Any, **options: Any) -> pyarrow.dataset.Scanner:
        """Returns a scanner as that of any dataset, with little reading ahead; DuckDB calls it for every scan."""
        lean = {"batch_size": _BATCH_ROWS, "batch_readahead": 1, "fragment_readahead": 1}
        return super().scanner(*args, **(lean | options))


def lean(dataset: pyarrow.dataset.Dataset) -> pyarrow.dataset.Dataset:
    """Returns the same rows as a dataset that reads little ahead."""
    if not isinstance(dataset, pyarrow.dataset.FileSystemDataset):
        return dataset
    parts = list(dataset.get_fragments())
    return LeanDataset(parts, dataset.schema, dataset.format, dataset.filesystem, dataset.partition_expression)
