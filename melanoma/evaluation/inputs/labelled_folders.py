"""Labels from a folder with one subfolder per class, as the same rows that a label file has."""

import hashlib
from typing import NamedTuple

from melanoma import storage
from melanoma.datasets.folders import images_below
from melanoma.datasets.label_formats import StatedLabel
from melanoma.datasets.label_tables import is_table
from melanoma.datasets.split_folders import read_folder_names
from melanoma.errors import DataError, ReadError


class LabelledFolder(NamedTuple):
    """What a folder of class folders states.

    Attributes:
        rows: A row for each photograph, its id the file name without extension.
        sha256: SHA-256 of the names and classes, hex; the photographs are not read.
    """

    rows: list[StatedLabel]
    sha256: str


def is_folder(uri: str) -> bool:
    """Returns whether labels are a folder with files below it, and not a file."""
    if is_table(uri):
        return False
    try:
        first = next(iter(storage.list_files(uri)), None)
    except ReadError:
        return False  # reading it as a file says what is wrong
    return first is not None and first.uri.startswith(storage.canonical(uri).rstrip("/") + "/")


def read_labelled_folder(uri: str) -> LabelledFolder:
    """Reads the names of photographs in class folders; those in folders of a split, too.

    Raises:
        DataError: A photograph is outside a class folder, or it is not clear which folders are the classes.
    """
    paths = sorted(images_below(uri))
    for stray in (path for path in paths if "/" not in path):
        raise DataError(f"{uri}: {stray} is outside a class folder; move it to {uri}/<label>/{stray}")
    meanings = read_folder_names(uri, paths)
    rows = [
        StatedLabel(storage.stem_of(path), meaning.label, "") for path, meaning in zip(paths, meanings, strict=True)
    ]
    text = "\n".join(f"{row.image_id}\t{row.label}" for row in rows)
    return LabelledFolder(rows, hashlib.sha256(text.encode()).hexdigest())
