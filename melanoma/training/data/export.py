"""Writes augmented images to a folder of their own, with a manifest that traces each one to its photograph.

The manifest keeps a later split from putting two images of one lesion on different sides.
"""

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
from melanoma.training.data.augmentor import augmented_file

MANIFEST, SPLIT = "manifest.csv", "split.csv"
MANIFEST_COLUMNS = ("file", "variant_id", "image_id", "sha256", "label", "group", "key")


class AugmentedImage(NamedTuple):
    """One augmented image to write.

    Attributes:
        file: Path below the folder, `<label>/<image_id>-<number>.jpg`.
        photograph: The photograph that it is made from.
        key: Random key for `augmentor.augmented_file`.
    """

    file: str
    photograph: Photograph
    key: tuple[int, ...]


def plan_augmented_images(photographs: Sequence[Photograph], per_class: int, seed: int) -> list[AugmentedImage]:
    """Plans the same number of images for every class; within a class, counts per photograph differ by at most one.

    A key consists of the seed, the photograph's digest and a number, so that an image does not depend on what else is
    in the data.

    Args:
        photographs: Those of the training part.
        per_class: Images per class, at least 1.
        seed: At least 0.
    """
    members: defaultdict[str, list[Photograph]] = defaultdict(list)
    for photograph in photographs:
        members[photograph.label].append(photograph)
    images, counts = [], Counter[str]()
    for label in sorted(members):
        times, rest = divmod(per_class, len(members[label]))
        once_more = set(np.random.default_rng(seed).permutation(len(members[label]))[:rest].tolist())
        for index, photograph in enumerate(members[label]):
            name = f"{label}/{photograph.image_id.replace('/', '_')}"
            for number in range(1, times + (index in once_more) + 1):
                counts[name] += 1  # photographs with the same id share one numbering, so that no file is overwritten
                key = (seed, int(photograph.sha256[:8], 16), number)
                images.append(AugmentedImage(f"{name}-{counts[name]}.jpg", photograph, key))
    return images


def write_augmented_images(
    images: Sequence[AugmentedImage], dataset: Dataset, folder: str, on_each: Callable[[], object]
) -> None:
    """Writes the manifest and the split first, then the images, so that an interrupted folder is recognised too.

    Args:
        images: Planned from the training part of the data set.
        dataset: Its split is written too, because validation and test photographs must come from it alone.
        folder: An empty folder, see `check_target_folder`.
        on_each: Called after each image.

    Raises:
        DataError: A photograph cannot be read.
        NothingCommittedError: A file cannot be written.
    """
    root = storage.canonical(folder)
    storage.write_bytes(storage.join(root, MANIFEST), manifest_csv(images))
    storage.write_bytes(storage.join(root, SPLIT), dataset.to_csv())
    for image in images:
        data = augmented_file(read_file(image.photograph.uri), image.key)
        storage.write_bytes(storage.join(root, image.file), data)
        on_each()


def manifest_csv(images: Sequence[AugmentedImage]) -> bytes:
    """Returns the manifest: per image its file and id, its photograph's id, digest, label and group, and its key."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(MANIFEST_COLUMNS)
    for path, source, key in images:
        ids = path, storage.stem_of(path), source.image_id
        writer.writerow((*ids, source.sha256, source.label, source.group, " ".join(map(str, key))))
    return file.getvalue().encode()


def refuse_augmented_folders(folders: Sequence[str], known: Collection[str] = ()) -> None:
    """Refuses folders of augmented images: read as photographs, each image would count as a separate lesion.

    Args:
        folders: Folders that photographs are read from.
        known: Ids whose lesion a reference table names. A folder is accepted if they include all of its images.

    Raises:
        DataError: One of them is such a folder.
    """
    for folder in folders:
        uri = storage.join(storage.canonical(folder), MANIFEST)
        listed = storage.read_bytes(uri) if storage.exists(uri) else b""
        if not listed.startswith(",".join(MANIFEST_COLUMNS).encode()):
            continue
        ids = {row["variant_id"] for row in csv.DictReader(io.StringIO(listed.decode()))}
        if not ids or not ids <= set(known):
            raise DataError(
                f"{folder}: these are augmented images, and a split would separate images of the same lesion; give "
                f"the original photographs, or give {MANIFEST} as --reference with --id-column variant_id, "
                "--label-column label and --group-column group"
            )


def check_target_folder(folder: str, others: Sequence[str], *, empty: bool) -> None:
    """Refuses a target folder that lies in one of the other folders, or that already contains files.

    Args:
        folder: The folder that will be written to.
        others: Folders that it must not lie in, such as those that photographs are read from.
        empty: Whether the folder must be empty.

    Raises:
        UsageError: It is one of the others, lies in one, or contains files.
    """
    target = _resolved(folder)
    for other in others:
        if (target + "/").startswith(_resolved(other) + "/"):
            raise UsageError(f"{folder} lies in {other}; choose a folder outside of it")
    try:
        if empty and next(storage.list_files(storage.canonical(folder)), None) is not None:
            raise UsageError(f"{folder} already contains files, which are never overwritten; choose an empty folder")
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise UsageError(f"{folder}: {error.detail}; choose another folder") from error


def _resolved(uri: str) -> str:
    local = storage.local_path(uri)
    return str(Path(local).resolve()) if local is not None else storage.canonical(uri).rstrip("/")
