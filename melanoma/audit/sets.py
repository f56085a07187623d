"""What an audit looks at: one or several sets of photographs, with the parts that a table splits them into."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from melanoma import storage
from melanoma.datasets.cleaning import Reference, read_reference
from melanoma.datasets.reading import Columns, Photograph, is_table, read_columns, read_file, read_folders, read_table
from melanoma.errors import DataError, ReadError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS


@dataclass(frozen=True)
class Sets:
    """Photographs of all sets, one after the other.

    Attributes:
        photographs: With the group and, where they had none, the label that a reference knows; else the label is empty.
        names: Name of the set of each: the end of its URI, as much as tells it from the others.
        parts: Part of a split that a table puts each into; empty where none does.
        known: Label of each by the reference; empty where it knows none.
        sources: URI of each set, by name.
        absent: Rows by name of set whose photograph is below no root.
    """

    photographs: list[Photograph] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)

    @property
    def sides(self) -> list[str]:
        """What must not show one photograph twice: the set of each, and its part where it has one."""
        return [f"{name}: {part}" if part else name for name, part in zip(self.names, self.parts, strict=True)]


@dataclass(frozen=True)
class Reading:
    """How sets are read.

    Attributes:
        columns: Of tables, those of `reference` too.
        roots: Folders of the photographs that tables list.
        part_column: Column of tables with the part of a split, such as `train`.
        reference: URI of a table that knows photographs by their id.
        unlabelled: Whether folders have no meaning: none of them names a class.
    """

    columns: Columns | None = None
    roots: Sequence[str] = ()
    part_column: str | None = None
    reference: str | None = None
    unlabelled: bool = False


def read_sets(uris: Sequence[str], reading: Reading) -> Sets:
    """Reads sets of photographs: folders of class folders, folders without labels, CSV or Parquet tables.

    Args:
        uris: Of the sets, each another.
        reading: How.

    Raises:
        DataError: There is nothing to be read.
        UsageError: One set is given twice, or a table's columns or roots are missing.
    """
    sets = Sets()
    reference = read_reference(reading.reference, reading.columns) if reading.reference and reading.columns else None
    for uri, name in zip(uris, names_of(uris), strict=True):
        if not is_table(uri):
            photographs = _read_folder(uri, reading.unlabelled)
            parts, absent = [""] * len(photographs), 0
        elif reading.columns is None or not reading.roots:
            raise UsageError(f"{uri}: a table needs the names of its columns and the folder of its photographs")
        else:
            photographs, absent = read_table(uri, reading.columns, reading.roots)
            parts = _parts(uri, reading.columns, reading.part_column, photographs)
        sets.photographs.extend(photographs)
        sets.names.extend([name] * len(photographs))
        sets.parts.extend(parts)
        sets.sources[name], sets.absent[name] = uri, absent
    return _with_reference(sets, reference)


def names_of(uris: Sequence[str]) -> list[str]:
    """Names sets by the end of their URIs, as many folders as tell all apart.

    Raises:
        UsageError: One set is given twice.
    """
    paths = [storage.canonical(uri).rstrip("/").split("/") for uri in uris]
    for depth in range(1, max(map(len, paths), default=0) + 1):
        names = ["/".join(path[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise UsageError(f"{', '.join(uris)}: a set is given twice; give each once")


def _read_folder(root: str, unlabelled: bool) -> list[Photograph]:
    """Reads class folders, or a folder without labels: one that holds photographs only, or is said to have none."""
    prefix = storage.canonical(root).rstrip("/") + "/"
    try:
        files = [file for file in storage.list_files(root) if file.uri.lower().endswith(tuple(IMAGE_EXTENSIONS))]
    except ReadError as error:
        raise DataError(f"{root}: {error.detail}; expected a folder of photographs, or a table") from error
    if not unlabelled and any("/" in file.uri.removeprefix(prefix) for file in files):
        return read_folders(root)
    if not files:
        raise DataError(f"{root}: no photograph below it; expected files named *{', *'.join(sorted(IMAGE_EXTENSIONS))}")
    for file in (file for file in files if not file.regular):
        raise DataError(f"{file.uri}: an audit reads plain files, no links; copy it there or take it out")
    uris = [file.uri for file in files]
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(lambda uri: hashlib.sha256(read_file(uri)).hexdigest(), uris))
    names = map(storage.stem_of, uris)
    return [Photograph(name, uri, digest, "", name) for name, uri, digest in zip(names, uris, digests, strict=True)]


def _parts(uri: str, columns: Columns, part_column: str | None, photographs: Sequence[Photograph]) -> list[str]:
    """Gives the part of each photograph of a table; rows whose photograph is absent have none."""
    if part_column is None:
        return [""] * len(photographs)
    rows = read_columns(uri, replace(columns, group=part_column))
    there = {photograph.image_id for photograph in photographs}
    return [part for name, part in zip(rows["image_id"], rows["group"], strict=True) if name in there]


def _with_reference(sets: Sets, reference: Reference | None) -> Sets:
    """Gives photographs group and label that a reference knows by their id, or by the id of which theirs is a copy."""
    if reference is None:
        return replace(sets, known=[""] * len(sets.photographs))
    names = [reference.id_of(photograph.image_id) for photograph in sets.photographs]
    known = [reference.label_of.get(name, "") for name in names]
    photographs = [
        replace(p, group=reference.group_of.get(name, p.group), label=p.label or label)
        for p, name, label in zip(sets.photographs, names, known, strict=True)
    ]
    return replace(sets, photographs=photographs, known=known)
