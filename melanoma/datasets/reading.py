"""Labelled photographs for training: class folders and tables become one list, decoded by the one preprocessing."""

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from melanoma import storage
from melanoma.errors import DataError, ReadError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS, ImageSpec, decode
from melanoma.labels import slug_of, stated_group

APART = "group "  # before the name of a lesion that is a photograph's, too
_TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns.

    Attributes:
        image_id: File name of the photograph without extension, or its path below the root.
        label: Class, in any spelling that `labels.slug_of` takes.
        group: Lesion or patient, whose photographs must stay together; None where the table knows none.
    """

    image_id: str
    label: str
    group: str | None = None


@dataclass(frozen=True)
class Photograph:
    """One labelled photograph.

    Attributes:
        image_id: File name without extension, or the table's id.
        uri: Where its bytes lie.
        sha256: Digest of its bytes, 64 hex digits.
        label: Slug of its class.
        group: Its lesion or patient; the image_id where nothing better is known.
        other_uris: Further files of it, at another scale or crop, that training may look at too.
    """

    image_id: str
    uri: str
    sha256: str
    label: str
    group: str
    other_uris: tuple[str, ...] = ()


def read_sources(
    sources: Sequence[str], columns: Columns | None, roots: Sequence[str] = ()
) -> tuple[list[Photograph], int]:
    """Pools folders of class folders and CSV or Parquet tables.

    Args:
        sources: URIs; a table is known by its extension, and needs the columns and the root of its photographs.
        columns: Of the tables.
        roots: Folders of the photographs that the tables list, see `read_table`.

    Returns:
        The photographs, and the number of rows whose photograph is below none of the roots.
    """
    pooled: list[Photograph] = []
    absent = 0
    for source in sources:
        if not is_table(source):
            pooled += read_folders(source)
        elif columns is None or not roots:
            raise UsageError(f"{source}: a table needs the names of its columns and the folder of its photographs")
        else:
            listed, missing = read_table(source, columns, roots)
            pooled, absent = pooled + listed, absent + missing
    return pooled, absent


def is_table(uri: str) -> bool:
    """Tells a CSV or Parquet table from a folder, by its extension."""
    return uri.lower().endswith(_TABLES)


def read_folders(root: str) -> list[Photograph]:
    """Reads `root/<label>/…/<photograph>`, one folder for each class; refuses what lies outside a class folder."""
    uri_of = _photographs_below(root)
    for stray in (path for path in uri_of if "/" not in path):
        raise DataError(f"{root}: {stray} lies outside a class folder; expected {root}/<label>/{stray}, move it there")
    rows = [(storage.stem_of(path), uri, path.split("/")[0], "", ()) for path, uri in uri_of.items()]
    return _photographs(rows)


def read_table(uri: str, columns: Columns, roots: Sequence[str]) -> tuple[list[Photograph], int]:
    """Reads the photographs that a table lists and that lie below a root.

    Args:
        uri: CSV or Parquet table, one row for each photograph.
        columns: Names of its columns.
        roots: Folders of the photographs, at any depth. Where several hold a photograph, the file in the first of them
            is the one that counts, and the others show it at another scale or crop.

    Returns:
        The photographs, and the number of rows whose photograph is below none of the roots.

    Raises:
        DataError: No row has its photograph there, an id is ambiguous, or a label is empty.
        UsageError: The table has no such column.
    """
    table = read_columns(uri, columns)
    finders = [_finder(root, columns.image_id) for root in roots]
    rows = []
    for image_id, label, group in zip(table["image_id"], table["label"], table["group"], strict=True):
        uris = [found for find in finders if (found := find(image_id)) is not None]
        rows += [(image_id, uris[0], label, group, tuple(uris[1:]))] if uris else []
    if not rows:
        wanted = ", ".join(map(str, table["image_id"][:2]))
        below = ", ".join(roots)
        raise DataError(f"{uri}: none of its {len(table)} photographs ({wanted} …) lies below {below}; check --root")
    return _photographs(rows), len(table) - len(rows)


def _finder(root: str, column: str) -> Callable[[str], str | None]:
    """Gives what finds the photograph of an id below a root."""
    uri_of = _photographs_below(root)
    paths_of = defaultdict(list)
    for path in uri_of:
        paths_of[storage.stem_of(path)].append(path)

    def find(image_id: str) -> str | None:
        paths = [image_id] if image_id in uri_of else paths_of.get(image_id, [])
        if len(paths) > 1:
            raise DataError(f"{root}: {image_id} may be {paths[0]} or {paths[1]}; give paths in {column!r}")
        return uri_of[paths[0]] if paths else None

    return find


def read_columns(uri: str, columns: Columns) -> pd.DataFrame:
    """Reads a CSV or Parquet table as text in the columns image_id, label, group; group is empty where not stated.

    Raises:
        DataError: The file cannot be read, or a row has no id or no label.
        UsageError: The table has no such column.
    """
    file, parquet = io.BytesIO(read_file(uri)), uri.lower().endswith(".parquet")
    try:
        table = pd.read_parquet(file) if parquet else pd.read_csv(file, dtype=str, keep_default_na=False)
    except ValueError as error:  # what pandas and pyarrow raise for damaged files derives from it
        raise DataError(f"{uri}: is no CSV or Parquet table ({type(error).__name__}); write it again") from error
    theirs = {"image_id": columns.image_id, "label": columns.label, "group": columns.group}
    for name in theirs.values():
        if name is not None and name not in table.columns:
            raise UsageError(f"{uri}: no column {name!r}; it has {', '.join(map(str, table.columns))}")
    text = pd.DataFrame(
        {our: table[name].astype("string").fillna("").str.strip() if name else "" for our, name in theirs.items()}
    )
    text["group"] = [stated_group(group) for group in text["group"]]
    empty = int((text[["image_id", "label"]] == "").any(axis=1).sum())
    if empty:
        raise DataError(f"{uri}: {empty} of {len(text)} rows have no id or no label; fill them or take them out")
    return text


def _photographs_below(root: str) -> dict[str, str]:
    """Maps the path below the root to the URI, for every file that is named like a photograph."""
    prefix = storage.canonical(root).rstrip("/") + "/"
    try:
        files = [file for file in storage.list_files(root) if file.uri.lower().endswith(tuple(IMAGE_EXTENSIONS))]
    except ReadError as error:
        raise DataError(f"{root}: {error.detail}; expected a folder of photographs") from error
    for file in files:
        if not file.regular or not file.uri.startswith(prefix):
            raise DataError(f"{file.uri}: training reads plain files of a folder, no links or archives; copy it there")
    if not files:
        raise DataError(f"{root}: no photograph below it; expected files named *{', *'.join(sorted(IMAGE_EXTENSIONS))}")
    return {file.uri.removeprefix(prefix): file.uri for file in files}


def _photographs(rows: Sequence[tuple[str, str, str, str, tuple[str, ...]]]) -> list[Photograph]:
    """Turns rows of id, uri, label, stated group and further files into photographs."""
    slugs = {label: slug_of(label) for label in {row[2] for row in rows}}
    groups = told_apart([row[0] for row in rows], [row[3] for row in rows])
    digests = _digests([row[1] for row in rows])
    return [
        Photograph(image_id, uri, digest, slugs[label], group or image_id, others)
        for (image_id, uri, label, _, others), group, digest in zip(rows, groups, digests, strict=True)
    ]


def _digests(uris: Sequence[str]) -> list[str]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda uri: hashlib.sha256(read_file(uri)).hexdigest(), uris))


def every_file(photographs: Sequence[Photograph]) -> tuple[list[Photograph], list[int]]:
    """Gives each file that training may look at as a photograph of its own.

    Returns:
        The photographs as they are, then their further files; and for each the index of the photograph that it shows.

    Raises:
        DataError: A further file cannot be read.
    """
    others = [(owner, uri) for owner, photograph in enumerate(photographs) for uri in photograph.other_uris]
    digests = _digests([uri for _, uri in others])
    further = [
        replace(photographs[owner], uri=uri, sha256=digest, other_uris=())
        for (owner, uri), digest in zip(others, digests, strict=True)
    ]
    return [*photographs, *further], [*range(len(photographs)), *(owner for owner, _ in others)]


def told_apart(ids: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Spells stated groups so that none is taken for a photograph, where some bear the id of another photograph."""
    known = set(ids)
    if any(group in known and group != image_id for image_id, group in zip(ids, groups, strict=True)):
        return [group and f"{APART}{group}" for group in groups]
    return list(groups)


def load_pixels(photographs: Sequence[Photograph], spec: ImageSpec) -> npt.NDArray[np.uint8]:
    """Decodes photographs by the function that scoring uses too.

    Returns:
        uint8 (photographs, height, width, 3), 0 to 255.

    Raises:
        DataError: One cannot be read.
        ImageError: One is damaged; `audit` finds them all.
    """
    pixels = np.empty((len(photographs), spec.height, spec.width, 3), np.uint8)
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda photograph: decode(read_file(photograph.uri), spec), photographs)
        for index, picture in enumerate(decoded):
            pixels[index] = picture
    return pixels


def read_file(uri: str) -> bytes:
    """Reads a file that training depends on.

    Raises:
        DataError: It is not there, or may not be read.
    """
    try:
        return storage.read_bytes(storage.canonical(uri))
    except ReadError as error:
        raise DataError(f"{uri}: {error.detail}; check the path and its rights") from error
