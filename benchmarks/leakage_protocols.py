"""Four protocols that split one pool of photographs into training and validation, each one decision apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from melanoma.audit.perceptual_hash import Hashes
from melanoma.datasets.cleaning import clean
from melanoma.datasets.existing_splits import read_split
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph, read_file
from melanoma.datasets.reference import Reference, read_reference
from melanoma.datasets.splits import TEST, VALIDATION
from melanoma.datasets.splitting import split
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.images.decoding import ImageSpec, decode
from melanoma.training.data.augmentor import augmented_view
from melanoma.training.data.export import plan_augmented_images

FOLDS = 5  # one of them is the validation part: the usual 80/20


@dataclass(frozen=True)
class Item:
    """One file of a training or validation folder.

    Attributes:
        photograph: The file as an audit sees it; an augmented image has no known bytes, but has the lesion of
            its photograph.
        key: Random key of an augmented image, see `augmentor.augmented_view`; empty for an original photograph.
        hash: uint64 array (4,), perceptual hash of an original photograph; zero for an augmented image.
    """

    photograph: Photograph
    key: tuple[int, ...]
    hash: Hashes

    def pixels(self, size: tuple[int, int]) -> np.ndarray:
        """Returns the decoded and perhaps augmented photograph, uint8 (height, width, 3)."""
        data = read_file(self.photograph.uri)
        return augmented_view(data, size, self.key) if self.key else decode(data, ImageSpec(*size))


class Sides(NamedTuple):
    """The files of both sides of a split."""

    training: list[Item]
    validation: list[Item]


@dataclass(frozen=True)
class Material:
    """The photographs of the benchmark, each grouped with its lesion, its copies and its near duplicates.

    Attributes:
        labels: Slugs of the classes.
        pool: All files of the Train folder with the labels they have there, except those that share a group with the
            honest test part.
        clean: The files of the pool that cleaning keeps.
        honest: The honest test part.
        published: All files of the Test folder with the labels they have there.
        evaluated: Indices of the classes with enough photographs in the honest test part.
    """

    labels: list[str]
    pool: list[Item]
    clean: list[Item]
    honest: list[Item]
    published: list[Item]
    evaluated: list[int]

    def truth(self, items: Sequence[Item]) -> np.ndarray:
        """Returns the class of each item, int64 (items,)."""
        return np.array([self.labels.index(item.photograph.label) for item in items], np.int64)


def gather(data: Path, split_table: str | None) -> Material:
    """Reads, hashes and cleans the photographs, and sets the honest test part aside.

    Args:
        data: Folder with `isic9/Train`, `isic9/Test` and `ham10000/metadata.csv`.
        split_table: Existing split whose test part is the honest one; None to make one.

    Raises:
        SystemExit: The honest test part shares photographs or lesions with the pool.
    """
    train, test = (read_folders(str(data / "isic9" / name)) for name in ("Train", "Test"))
    reference = read_reference(str(data / "ham10000" / "metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    items = _grouped([*train, *test], reference)
    kept = {photograph.uri for photograph in clean([*train, *test], reference).photographs}
    honest = _honest_part([item for item in items if item.photograph.uri in kept], split_table)
    held_out = {item.photograph.group for item in honest}
    pool = [item for item in items[: len(train)] if item.photograph.group not in held_out]
    labels = sorted({item.photograph.label for item in items})
    counts = [sum(item.photograph.label == label for item in honest) for label in labels]
    material = Material(
        labels=labels,
        pool=pool,
        clean=[item for item in pool if item.photograph.uri in kept],
        honest=honest,
        published=items[len(train) :],
        evaluated=[index for index, count in enumerate(counts) if count >= MIN_TEST_PHOTOGRAPHS],
    )
    if shared(pool, honest)["any"]:
        raise SystemExit("the honest test part shares photographs or lesions with the pool; nothing was trained")
    return material


def _grouped(photographs: Sequence[Photograph], reference: Reference) -> list[Item]:
    """Returns photographs grouped by the lesion that the reference knows, joined by near duplicates."""
    hashes = hash_photographs(photographs).hashes
    stated = [replace(p, group=reference.group_of.get(p.image_id, p.group)) for p in photographs]
    return [Item(p, (), hash_) for p, hash_ in zip(join_near_duplicates(stated, hashes), hashes, strict=True)]


def _honest_part(cleaned: Sequence[Item], split_table: str | None) -> list[Item]:
    existing = read_split(split_table) if split_table else None
    parts = split([item.photograph for item in cleaned], 0.15, 0.15, 0, existing)
    return [item for item, part in zip(cleaned, parts, strict=True) if part == TEST]


def shared(training: Sequence[Item], judged: Sequence[Item]) -> dict[str, int]:
    """Returns how many of the judged items training has seen: by basis, and as `any` on any basis."""
    items = [*training, *judged]
    sides = ["training"] * len(training) + ["judged"] * len(judged)
    hashes = np.stack([item.hash for item in items])
    seen: dict[str, set[int]] = {}
    for finding in find_leaks([item.photograph for item in items], sides, hashes):
        ends = {finding.first, finding.second}
        seen.setdefault(str(finding.basis), set()).update(
            end for end in ends if end is not None and end >= len(training)
        )
    return {basis: len(ends) for basis, ends in sorted(seen.items())} | {"any": len(set().union(*seen.values()))}


def augmented(items: Sequence[Item], per_class: int, seed: int) -> list[Item]:
    """Returns the photographs, followed by `per_class` augmented images of every class."""
    images = plan_augmented_images([item.photograph for item in items], per_class, seed)
    no_hash = np.zeros(4, np.uint64)
    return [
        *items,
        *(Item(replace(source, image_id=Path(file).stem, sha256=""), key, no_hash) for file, source, key in images),
    ]


def at_random(items: Sequence[Item], seed: int) -> Sides:
    """Splits files one by one."""
    order = np.random.default_rng(seed).permutation(len(items))
    cut = len(items) // FOLDS
    return Sides([items[index] for index in order[cut:]], [items[index] for index in order[:cut]])


def by_lesion(items: Sequence[Item], seed: int) -> Sides:
    """Splits as `melanoma train` does; the test part is not needed here and is used for training too."""
    parts = split([item.photograph for item in items], 1 / FOLDS, 1 / FOLDS, seed)
    return Sides(
        [item for item, part in zip(items, parts, strict=True) if part != VALIDATION],
        [item for item, part in zip(items, parts, strict=True) if part == VALIDATION],
    )


def augment_then_split(material: Material, per_class: int, seed: int) -> Sides:
    """Augments everything, then splits the files, as the usual notebook does."""
    return at_random(augmented(material.pool, per_class, seed), seed)


def split_then_augment(material: Material, per_class: int, seed: int) -> Sides:
    """Splits first, and augments only the training part. Copies and lesions are still on both sides."""
    training, validation = at_random(material.pool, seed)
    return Sides(augmented(training, per_class, seed), validation)


def clean_first(material: Material, per_class: int, seed: int) -> Sides:
    """Cleans, then splits and augments: no copies or contradictory labels, but lesions are still on both sides."""
    training, validation = at_random(material.clean, seed)
    return Sides(augmented(training, per_class, seed), validation)


def split_by_lesion(material: Material, per_class: int, seed: int) -> Sides:
    """Keeps each lesion, and all photographs that look alike, on one side."""
    training, validation = by_lesion(material.clean, seed)
    return Sides(augmented(training, per_class, seed), validation)


PROTOCOLS: dict[str, Callable[[Material, int, int], Sides]] = {
    "augment, then split": augment_then_split,
    "split, then augment": split_then_augment,
    "clean, split, augment": clean_first,
    "clean, split by lesion, augment": split_by_lesion,
}
