"""The rows of data files for reading, with the checksums of their pages checked."""

from collections.abc import Sequence

import pyarrow.dataset


def checked(source: pyarrow.dataset.Dataset) -> pyarrow.dataset.Dataset:
    """Returns the same rows as a dataset that checks the checksums of pages; files without any are read as they are."""
    options = pyarrow.dataset.ParquetFragmentScanOptions(pre_buffer=True, page_checksum_verification=True)
    checking = pyarrow.dataset.ParquetFileFormat(default_fragment_scan_options=options)
    parts = [
        checking.make_fragment(part.path, part.filesystem, part.partition_expression) for part in source.get_fragments()
    ]
    return pyarrow.dataset.FileSystemDataset(parts, source.schema, checking, source.filesystem)


def part_of(source: pyarrow.dataset.Dataset, parts: Sequence[pyarrow.dataset.Fragment]) -> pyarrow.dataset.Dataset:
    """Returns the rows of some of a dataset's files."""
    return pyarrow.dataset.FileSystemDataset(parts, source.schema, source.format, source.filesystem)
