"""Augmented files in a folder of their own, each traceable to its photograph, so that none is split off unknowingly."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melanoma import storage
from melanoma.datasets.photographs import Photograph, read_file
from melanoma.datasets.splits import Dataset
from melanoma.errors import DataError, ErrorKind, ReadError, UsageError
from melanoma.training.data.augmentor import variant

MANIFEST, SPLIT = "manifest.csv", "split.csv"
_COLUMNS = ("file", "variant_id", "image_id", "sha256", "label", "group", "key")


class Variant(NamedTuple):
    """One augmented file to be.

    Attributes:
        file: Its path below the folder, `<label>/<image_id>-<number>.jpg`.
        photograph: Of which it is a variant.
        key: What `augment.variant` throws its dice from.
    """

    file: str
    photograph: Photograph
    key: tuple[int, ...]


def plan_variants(photographs: Sequence[Photograph], per_class: int, seed: int) -> list[Variant]:
    """Plans as many variants for every class, each of its photographs as often as the others, give or take one.

    A key is made of the seed, the photograph's digest and the variant's number: what else is in the data does not
    move a variant.

    Args:
        photographs: Of the training part.
        per_class: Files of each class, at least 1.
        seed: At least 0.
    """
    members: defaultdict[str, list[Photograph]] = defaultdict(list)
    for photograph in photographs:
        members[photograph.label].append(photograph)
    variants, taken = [], Counter[str]()
    for label in sorted(members):
        times, rest = divmod(per_class, len(members[label]))
        once_more = set(np.random.default_rng(seed).permutation(len(members[label]))[:rest].tolist())
        for index, photograph in enumerate(members[label]):
            name = f"{label}/{photograph.image_id.replace('/', '_')}"
            for number in range(1, times + (index in once_more) + 1):
                taken[name] += 1  # two photographs of one id go on counting
                key = (seed, int(photograph.sha256[:8], 16), number)
                variants.append(Variant(f"{name}-{taken[name]}.jpg", photograph, key))
    return variants


def write_variants(variants: Sequence[Variant], dataset: Dataset, folder: str, on_each: Callable[[], object]) -> None:
    """Writes the files, and first what says whose variants they are: a folder that was cut short says so too.

    Args:
        variants: Of the data set's training part.
        dataset: Whose split is written beside them, since validation and test must come from nowhere else.
        folder: That holds nothing, see `check_folder`.
        on_each: Called after each file.

    Raises:
        DataError: A photograph cannot be read.
        NothingCommittedError: The store does not take a file.
    """
    root = storage.canonical(folder)
    storage.write_bytes(storage.join(root, MANIFEST), to_csv(variants))
    storage.write_bytes(storage.join(root, SPLIT), dataset.to_csv())
    for file, photograph, key in variants:
        storage.write_bytes(storage.join(root, file), variant(read_file(photograph.uri), key))
        on_each()


def to_csv(variants: Sequence[Variant]) -> bytes:
    """Lists every variant: file, its name alone, and id, digest, label and group of its photograph, and its key."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for path, of, key in variants:
        row = (path, storage.stem_of(path), of.image_id, of.sha256, of.label, of.group, " ".join(map(str, key)))
        writer.writerow(row)
    return file.getvalue().encode()


def refuse_variants(folders: Sequence[str], known: Collection[str] = ()) -> None:
    """Refuses folders that `write_variants` wrote: read as photographs, each file would count as a lesion of its own.

    Args:
        folders: That photographs are read from.
        known: Ids whose lesion a reference names; a folder all of whose files are among them is fine.

    Raises:
        DataError: One of them is such a folder.
    """
    for folder in folders:
        uri = storage.join(storage.canonical(folder), MANIFEST)
        listed = storage.read_bytes(uri) if storage.exists(uri) else b""
        if not listed.startswith(",".join(_COLUMNS).encode()):
            continue
        names = {row["variant_id"] for row in csv.DictReader(io.StringIO(listed.decode()))}
        if not names or not names <= set(known):
            raise DataError(
                f"{folder}: these are augmented files, and a split would part the variants of one photograph; give the "
                f"photographs themselves, or {MANIFEST} as --reference with variant_id, label and group as its columns"
            )


def check_folder(folder: str, sources: Sequence[str], *, empty: bool) -> None:
    """Refuses a folder that a source would read as its own, or that already holds something.

    Args:
        folder: That is going to be written.
        sources: Folders that photographs are read from.
        empty: Whether the folder must hold nothing.

    Raises:
        UsageError: It is one of the sources, lies in one, or holds something.
    """
    place = _resolved(folder)
    for source in sources:
        if (place + "/").startswith(_resolved(source) + "/"):
            raise UsageError(f"{folder} lies in {source}, whose photographs are read; choose a folder of its own")
    try:
        if empty and next(storage.list_files(storage.canonical(folder)), None) is not None:
            raise UsageError(f"{folder} holds files already, and none is overwritten; choose an empty folder")
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise UsageError(f"{folder}: {error.detail}; choose another folder") from error


def _resolved(uri: str) -> str:
    local = storage.local_path(uri)
    return str(Path(local).resolve()) if local is not None else storage.canonical(uri).rstrip("/")
