"""Reads labelled photographs from any mix of folders and tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from melanoma import storage
from melanoma.datasets.coverage import NO_TABLES, Coverage
from melanoma.datasets.folders import images_below, read_folders
from melanoma.datasets.label_tables import Columns, is_table, read_label_table
from melanoma.datasets.labelled_files import LabelledFile, to_photographs
from melanoma.datasets.photograph_sources import with_sources
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import PARTS
from melanoma.errors import DataError, UsageError


class FoundPhotographs(NamedTuple):
    """Photographs of one or several sources.

    Attributes:
        photographs: In the order of the sources.
        absent: Number of table rows whose photograph is below none of the roots.
        unlabelled: Number of table rows without a class.
        unlisted: URIs of files below the roots that no table lists.
        coverage: The same in numbers, for the tables alone.
    """

    photographs: list[Photograph]
    absent: int
    unlabelled: int = 0
    unlisted: frozenset[str] = frozenset()
    coverage: Coverage = NO_TABLES


def read_sources(
    sources: Sequence[str],
    columns: Columns | None,
    roots: Sequence[str] = (),
    *,
    source_column: str | None = None,
    with_source: bool = False,
) -> FoundPhotographs:
    """Reads and pools folders with one subfolder per class, and CSV or Parquet tables.

    Args:
        sources: URIs of folders and tables; a table is known by its extension.
        columns: Column names of the tables; needed if there is a table.
        roots: Folders of the photographs that the tables list, see `read_table`; needed if there is a table.
        source_column: Column of the tables with the hospital, camera or collection.
        with_source: Whether photographs get their `source`.

    Raises:
        DataError: A source holds no photographs, or cannot be read.
        UsageError: The columns or roots of a table are missing, or do not fit it.
    """
    pooled: list[Photograph] = []
    tables = []
    for source in sources:
        if not is_table(source):
            found = _without_folds(source, read_folders(source))
        else:
            tables.append(read_table(source, columns, roots))
            found = tables[-1].photographs
        pooled += with_sources(found, source, columns, source_column) if with_source else found
    unlisted = frozenset.intersection(*(table.unlisted for table in tables)) if tables else frozenset[str]()
    absent, unlabelled = sum(table.absent for table in tables), sum(table.unlabelled for table in tables)
    used = sum(table.coverage.used for table in tables)
    coverage = Coverage(used, absent, unlabelled, len(unlisted))
    return FoundPhotographs(pooled, absent, unlabelled, unlisted, coverage)


def _without_folds(root: str, photographs: list[Photograph]) -> list[Photograph]:
    """Refuses folders that are named like folds, which state no part."""
    if folds := sorted({photograph.part for photograph in photographs} - {"", *PARTS}):
        raise DataError(
            f"{root}: has folders named like folds ({', '.join(folds[:3])}), expected train, validation and test, or "
            "class folders. Give each fold as --data of its own to split their photographs anew, or rename one to test"
        )
    return photographs


def read_table(uri: str, columns: Columns | None, roots: Sequence[str]) -> FoundPhotographs:
    """Reads the photographs that a table lists and that are below a root.

    Args:
        uri: CSV or Parquet table, one row for each photograph.
        columns: Names of its columns.
        roots: Folders of the photographs, at any depth. If several hold a photograph, the file in the first of them
            is its file, and the others become its `other_uris`.

    Raises:
        DataError: No row has its photograph there, an id is ambiguous, or a label is empty.
        UsageError: Columns or roots are not given, or the table lacks a column.
    """
    if columns is None or not roots:
        raise UsageError(f"{uri}: a table needs the names of its columns and the folder of its photographs")
    rows, unlabelled = read_label_table(uri, columns)
    folders = [_ImageFolder.read(root) for root in roots]
    files = []
    for row in rows:
        uris = [found for folder in folders if (found := folder.find(row.image_id)) is not None]
        if uris:
            files.append(LabelledFile(row.image_id, uris[0], row.label, row.group, tuple(uris[1:])))
    if not files:
        examples = ", ".join(row.image_id for row in rows[:2])
        raise DataError(
            f"{uri}: none of its {len(rows)} photographs ({examples} …) is below {', '.join(roots)}; check --root"
        )
    listed = {uri for file in files for uri in (file.uri, *file.other_uris)}
    unlisted = frozenset(uri for folder in folders for uri in folder.uri_of.values()) - listed
    coverage = Coverage(len(files), len(rows) - len(files), unlabelled, len(unlisted))
    return FoundPhotographs(to_photographs(files), coverage.absent, unlabelled, unlisted, coverage)


@dataclass(frozen=True)
class _ImageFolder:
    """Photographs below a root.

    Attributes:
        root: The folder.
        uri_of: URI by path below the root.
        paths_of: Paths below the root by file name without extension.
    """

    root: str
    uri_of: Mapping[str, str]
    paths_of: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, root: str) -> "_ImageFolder":
        """Lists a folder."""
        uri_of = images_below(root)
        paths_of = defaultdict(list)
        for path in uri_of:
            paths_of[storage.stem_of(path)].append(path)
        return cls(root, uri_of, dict(paths_of))

    def find(self, image_id: str) -> str | None:
        """Returns the URI of a photograph, or None.

        Args:
            image_id: Path below the root, or file name with or without extension.

        Raises:
            DataError: Several files have this name.
        """
        paths = [image_id] if image_id in self.uri_of else self.paths_of.get(image_id, [])
        if not paths and "/" not in image_id:
            named = self.paths_of.get(storage.stem_of(image_id), [])
            paths = [path for path in named if storage.name_of(path) == image_id]
        if len(paths) > 1:
            raise DataError(
                f"{self.root}: {image_id} could be {paths[0]} or {paths[1]}; give paths below the folder as "
                "ids in the table"
            )
        return self.uri_of[paths[0]] if paths else None
