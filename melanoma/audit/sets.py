"""The photographs that an audit compares: one or several sets, each perhaps split into parts by a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from melanoma import storage
from melanoma.datasets.coverage import NO_TABLES, Coverage
from melanoma.datasets.folders import check_plain_files, list_image_files, read_folders
from melanoma.datasets.label_tables import Columns, is_table, read_label_rows, read_lesions
from melanoma.datasets.photograph_sources import with_sources
from melanoma.datasets.photographs import Photograph, file_digests
from melanoma.datasets.reading import read_table
from melanoma.datasets.reference import Reference, read_reference
from melanoma.datasets.split_folders import parts_without_classes
from melanoma.errors import UsageError


@dataclass(frozen=True)
class Sets:
    """Photographs of all sets, one set after the other.

    Attributes:
        photographs: With the group that the reference knows and, where a set has no labels, the label that it knows;
            the label is empty where neither states one.
        names: Name of each photograph's set: the end of its URI, as long as needed to tell the sets apart.
        parts: Part of a split that a table or a folder named like a part states; empty where there is none.
        known: Label of each photograph in the reference; empty where there is none.
        sources: URI of each set, by name.
        absent: By name of a set, the number of table rows whose photograph is below no root.
        coverage: By name of a set that is a table, its labels without photograph and files without label.
        patients: Lesion of each photograph whose group is a patient, empty if unknown, by index. The labels of a
            patient's lesions may differ.
    """

    photographs: Sequence[Photograph]
    names: Sequence[str]
    parts: Sequence[str]
    known: Sequence[str]
    sources: dict[str, str] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    coverage: dict[str, Coverage] = field(default_factory=dict)
    patients: Mapping[int, str] = field(default_factory=dict)

    @property
    def sides(self) -> list[str]:
        """Side of each photograph: its set, and its part where it has one. Two sides must not share a photograph."""
        return [f"{name}: {part}" if part else name for name, part in zip(self.names, self.parts, strict=True)]


@dataclass(frozen=True)
class SetOptions:
    """How sets are read.

    Attributes:
        columns: Column names of tables, including `reference`.
        roots: Folders of the photographs that tables list.
        part_column: Column of tables with the part of a split, such as `train`.
        reference: URI of a table that knows photographs by their id.
        unlabelled: Whether folder names mean nothing: no folder is a class.
        source_column: Column of tables with the hospital, camera or collection; None if each set is one source.
    """

    columns: Columns | None = None
    roots: Sequence[str] = ()
    part_column: str | None = None
    reference: str | None = None
    unlabelled: bool = False
    source_column: str | None = None


class _Set(NamedTuple):
    """One set, see `Sets`."""

    photographs: list[Photograph]
    parts: list[str]
    absent: int
    coverage: Coverage = NO_TABLES
    lesion_of: Mapping[str, str] | None = None  # by id of the photograph, if the groups are patients


def read_sets(uris: Sequence[str], options: SetOptions) -> Sets:
    """Reads sets: folders with one subfolder per class, folders without labels, and CSV or Parquet tables.

    Args:
        uris: URI of each set.
        options: How to read them.

    Raises:
        DataError: A set has no photographs, or cannot be read.
        UsageError: A set is given twice, or the columns or roots of a table are missing.
    """
    names = set_names(uris)
    reference = read_reference(options.reference, options.columns) if options.reference and options.columns else None
    read = {name: _read_set(uri, options) for name, uri in zip(names, uris, strict=True)}
    photographs = [photograph for one in read.values() for photograph in one.photographs]
    sets = Sets(
        photographs,
        [name for name, one in read.items() for _ in one.photographs],
        [part for one in read.values() for part in one.parts],
        [""] * len(photographs),
        dict(zip(names, uris, strict=True)),
        {name: one.absent for name, one in read.items()},
        {name: one.coverage for name, one in read.items()},
        dict(_lesions_of_patients(read.values())),
    )
    if reference is None or options.reference is None or options.columns is None:
        return sets
    return _with_reference(sets, reference, read_lesions(options.reference, options.columns))


def _lesions_of_patients(sets: Iterable[_Set]) -> Iterator[tuple[int, str]]:
    """Yields the index and lesion of the photographs whose groups are patients."""
    photographs = [(photograph, one.lesion_of) for one in sets for photograph in one.photographs]
    for index, (photograph, lesion_of) in enumerate(photographs):
        if lesion_of is not None:
            yield index, lesion_of.get(photograph.image_id, "")


def set_names(uris: Sequence[str]) -> list[str]:
    """Names sets by the last folders of their URIs, as many as are needed to tell all sets apart.

    Raises:
        UsageError: A set is given twice.
    """
    paths = [storage.canonical(uri).rstrip("/").split("/") for uri in uris]
    for depth in range(1, max(map(len, paths), default=0) + 1):
        names = ["/".join(path[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise UsageError(f"{', '.join(uris)}: a set is given twice; give each set once")


def _read_set(uri: str, options: SetOptions) -> _Set:
    if not is_table(uri):
        photographs = _read_folder(uri, options.unlabelled)
        return _Set(photographs, [photograph.part for photograph in photographs], 0)
    photographs, absent, *_, coverage = read_table(uri, options.columns, options.roots)
    if options.source_column:
        photographs = with_sources(photographs, uri, options.columns, options.source_column)
    lesion_of = read_lesions(uri, options.columns) if options.columns else None
    if options.columns is None or options.part_column is None:
        return _Set(photographs, [""] * len(photographs), absent, coverage, lesion_of)
    rows = read_label_rows(uri, replace(options.columns, group=options.part_column))
    present = {photograph.image_id for photograph in photographs}
    return _Set(photographs, [row.group for row in rows if row.image_id in present], absent, coverage, lesion_of)


def _read_folder(root: str, unlabelled: bool) -> list[Photograph]:
    """Reads a folder with one subfolder per class, or one without labels: it has no subfolders, or is unlabelled.

    In both, folders that are named like the parts of a split are its parts.
    """
    prefix = storage.canonical(root).rstrip("/") + "/"
    files = list_image_files(root, "a folder of photographs, or a table")
    if not unlabelled and any("/" in file.uri.removeprefix(prefix) for file in files):
        return read_folders(root)
    check_plain_files(root, files)
    uris = [file.uri for file in files]
    parts = parts_without_classes([uri.removeprefix(prefix) for uri in uris])
    ids = list(map(storage.stem_of, uris))
    named = zip(uris, ids, file_digests(uris), parts, strict=True)
    return [Photograph(image_id, uri, digest, "", image_id, part=part) for uri, image_id, digest, part in named]


def _with_reference(sets: Sets, reference: Reference, lesion_of: Mapping[str, str] | None) -> Sets:
    """Adds the groups and labels that a reference knows, and the lesions if its groups are patients."""
    ids = [reference.id_of(photograph.image_id) for photograph in sets.photographs]
    known = [reference.label_of.get(image_id, "") for image_id in ids]
    photographs = [
        replace(p, group=reference.group_of.get(image_id, p.group), label=p.label or label)
        for p, image_id, label in zip(sets.photographs, ids, known, strict=True)
    ]
    grouped = [index for index, image_id in enumerate(ids) if image_id in reference.group_of]
    patients = {index: lesion for index, lesion in sets.patients.items() if ids[index] not in reference.group_of}
    if lesion_of is not None:
        patients |= {index: lesion_of.get(ids[index], "") for index in grouped}
    return replace(sets, photographs=photographs, known=known, patients=patients)
