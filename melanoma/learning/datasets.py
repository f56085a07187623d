"""Labelled photographs for training: class folders and tables become one list, decoded by the one preprocessing."""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from melanoma import storage
from melanoma.errors import DataError, ImageError, ReadError, UsageError
from melanoma.images import IMAGE_EXTENSIONS, ImageSpec, decode
from melanoma.labels import slug_of

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
    """

    image_id: str
    uri: str
    sha256: str
    label: str
    group: str


def read_sources(sources: Sequence[str], columns: Columns | None, root: str | None) -> tuple[list[Photograph], int]:
    """Pools folders of class folders and CSV or Parquet tables.

    Args:
        sources: URIs; a table is known by its extension, and needs the columns and the root of its photographs.
        columns: Of the tables.
        root: Folder of the photographs that the tables list.

    Returns:
        The photographs, and the number of rows whose photograph is not below the root.
    """
    pooled: list[Photograph] = []
    absent = 0
    for source in sources:
        if not source.lower().endswith(_TABLES):
            pooled += read_folders(source)
        elif columns is None or root is None:
            raise UsageError(f"{source}: a table needs the names of its columns and the folder of its photographs")
        else:
            listed, missing = read_table(source, columns, root)
            pooled, absent = pooled + listed, absent + missing
    return pooled, absent


def read_folders(root: str) -> list[Photograph]:
    """Reads `root/<label>/…/<photograph>`, one folder for each class; refuses what lies outside a class folder."""
    uri_of = _photographs_below(root)
    for stray in (path for path in uri_of if "/" not in path):
        raise DataError(f"{root}: {stray} lies outside a class folder; expected {root}/<label>/{stray}, move it there")
    rows = [(storage.stem_of(path), uri, path.split("/")[0], "") for path, uri in uri_of.items()]
    return _photographs(rows)


def read_table(uri: str, columns: Columns, root: str) -> tuple[list[Photograph], int]:
    """Reads the photographs that a table lists and that lie below a root.

    Args:
        uri: CSV or Parquet table, one row for each photograph.
        columns: Names of its columns.
        root: Folder of the photographs, at any depth.

    Returns:
        The photographs, and the number of rows whose photograph is not below the root.

    Raises:
        DataError: No row has its photograph there, an id is ambiguous, or a label is empty.
        UsageError: The table has no such column.
    """
    table, uri_of = read_columns(uri, columns), _photographs_below(root)
    paths_of = defaultdict(list)
    for path in uri_of:
        paths_of[storage.stem_of(path)].append(path)
    rows = []
    for image_id, label, group in zip(table["image_id"], table["label"], table["group"], strict=True):
        paths = [image_id] if image_id in uri_of else paths_of[image_id]
        if len(paths) > 1:
            raise DataError(f"{root}: {image_id} may be {paths[0]} or {paths[1]}; give paths in {columns.image_id!r}")
        rows += [(image_id, uri_of[path], label, group) for path in paths]
    if not rows:
        wanted = ", ".join(map(str, table["image_id"][:2]))
        raise DataError(f"{uri}: none of its {len(table)} photographs ({wanted} …) lies below {root}; check --root")
    return _photographs(rows), len(table) - len(rows)


def read_columns(uri: str, columns: Columns) -> pd.DataFrame:
    """Reads a CSV or Parquet table as text in the columns image_id, label, group; group is empty where not stated.

    Raises:
        DataError: The file cannot be read, or a row has no id or no label.
        UsageError: The table has no such column.
    """
    file, parquet = io.BytesIO(_read(uri)), uri.lower().endswith(".parquet")
    try:
        table = pd.read_parquet(file) if parquet else pd.read_csv(file, dtype=str, keep_default_na=False)
    except ValueError as error:  # what pandas and pyarrow raise for damaged files derives from it
        raise DataError(f"{uri}: is no CSV or Parquet table ({type(error).__name__}); write it again") from error
    theirs = {"image_id": columns.image_id, "label": columns.label, "group": columns.group}
    for name in theirs.values():
        if name is not None and name not in table.columns:
            raise UsageError(f"{uri}: no column {name!r}; it has {', '.join(map(str, table.columns))}")
    text = pd.DataFrame({our: table[name].astype("string").fillna("") if name else "" for our, name in theirs.items()})
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


def _photographs(rows: Sequence[tuple[str, str, str, str]]) -> list[Photograph]:
    """Turns rows of id, uri, label and stated group into photographs."""
    slugs = {label: slug_of(label) for label in {row[2] for row in rows}}
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(lambda row: hashlib.sha256(_read(row[1])).hexdigest(), rows))
    return [
        Photograph(image_id, uri, digest, slugs[label], group or image_id)
        for (image_id, uri, label, group), digest in zip(rows, digests, strict=True)
    ]


def load_pixels(
    photographs: Sequence[Photograph], spec: ImageSpec
) -> tuple[npt.NDArray[np.uint8], list[Photograph], Counter[str]]:
    """Decodes photographs by the function that scoring uses too.

    Returns:
        Pixels of shape (photographs, height, width, 3), 0 to 255; the photographs that they belong to; and how many
        were refused, by kind of error.
    """
    pixels = np.empty((len(photographs), spec.height, spec.width, 3), np.uint8)
    kept: list[Photograph] = []
    refused: Counter[str] = Counter()
    for photograph in photographs:
        try:
            pixels[len(kept)] = decode(_read(photograph.uri), spec)
        except ImageError as error:
            refused[str(error.kind)] += 1
        else:
            kept.append(photograph)
    return pixels[: len(kept)], kept, refused


def _read(uri: str) -> bytes:
    try:
        return storage.read_bytes(storage.canonical(uri))
    except ReadError as error:
        raise DataError(f"{uri}: {error.detail}; check the path and its rights") from error
