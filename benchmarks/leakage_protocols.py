"""Four ways to make a training and a validation part of one pool of photographs, one decision apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.leaks import find_leaks, join_near_duplicates
from melanoma.audit.perceptual_hash import Hashes
from melanoma.datasets.cleaning import clean
from melanoma.datasets.existing_splits import read_split
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph, read_file
from melanoma.datasets.reference import read_reference
from melanoma.datasets.splits import TEST, VALIDATION
from melanoma.datasets.splitting import split
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.images.decoding import ImageSpec, decode
from melanoma.training.data.augmentor import augmented_view
from melanoma.training.data.export import plan_augmented_images

FOLDS = 5  # one of them validates: the usual 80/20


@dataclass(frozen=True)
class Item:
    """One file of a training or validation folder.

    Attributes:
        photograph: As an audit sees the file; a variant has no known bytes, but the lesion of its photograph.
        key: Of a variant, see `augmentor.augmented_view`; empty for a photograph as it is.
        hash: uint64 (4,), of a photograph as it is; zero for a variant.
    """

    photograph: Photograph
    key: tuple[int, ...]
    hash: Hashes

    def pixels(self, size: tuple[int, int]) -> np.ndarray:
        """Decodes it, uint8 (height, width, 3)."""
        data = read_file(self.photograph.uri)
        return augmented_view(data, size, self.key) if self.key else decode(data, ImageSpec(*size))


Sides = tuple[list[Item], list[Item]]


@dataclass(frozen=True)
class Material:
    """The photographs of the lesson, each with its lesion, joined with that of its copies and near duplicates.

    Attributes:
        labels: Of the classes.
        pool: All files of the Train folder, as filed, but for what shares a lesion with the honest test part.
        clean: Those of them that cleaning leaves.
        honest: The honest test part.
        published: All files of the Test folder, as filed.
        evaluated: Classes with enough photographs in the honest test part.
    """

    labels: list[str]
    pool: list[Item]
    clean: list[Item]
    honest: list[Item]
    published: list[Item]
    evaluated: list[int]

    def truth(self, items: Sequence[Item]) -> np.ndarray:
        """Gives the class of each, int64 (items,)."""
        return np.array([self.labels.index(item.photograph.label) for item in items], np.int64)


def gather(data: Path, split_table: str | None) -> Material:
    """Reads, hashes, cleans and sets the honest test part aside."""
    folders = [str(data / "isic9" / name) for name in ("Train", "Test")]
    found = [read_folders(folder) for folder in folders]
    every = [photograph for photographs in found for photograph in photographs]
    reference = read_reference(str(data / "ham10000" / "metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    hashes = hash_photographs(every).hashes
    stated = [replace(p, group=reference.group_of.get(p.image_id, p.group)) for p in every]
    items = [Item(p, (), hash_) for p, hash_ in zip(join_near_duplicates(stated, hashes), hashes, strict=True)]
    kept = {photograph.uri for photograph in clean(every, reference)[0]}
    cleaned = [item for item in items if item.photograph.uri in kept]
    known = read_split(split_table) if split_table else None
    parts = split([item.photograph for item in cleaned], 0.15, 0.15, 0, known)
    honest = [item for item, part in zip(cleaned, parts, strict=True) if part == TEST]
    held_out = {item.photograph.group for item in honest}
    pool = [item for item in items[: len(found[0])] if item.photograph.group not in held_out]
    labels = sorted({photograph.label for photograph in every})
    counts = [sum(item.photograph.label == label for item in honest) for label in labels]
    material = Material(
        labels,
        pool,
        [item for item in pool if item.photograph.uri in kept],
        honest,
        items[len(found[0]) :],
        [index for index, count in enumerate(counts) if count >= MIN_TEST_PHOTOGRAPHS],
    )
    if shared(pool, honest)["any"]:
        raise SystemExit("the honest test part shares photographs or lesions with the pool; nothing was trained")
    return material


def shared(training: Sequence[Item], judged: Sequence[Item]) -> dict[str, int]:
    """Counts the judged photographs that training shows too, by how that is known, and in any way."""
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
    """Gives photographs and, after them, as many variants of every class."""
    images = plan_augmented_images([item.photograph for item in items], per_class, seed)
    return [
        *items,
        *(
            Item(replace(of, image_id=Path(file).stem, sha256=""), key, np.zeros(4, np.uint64))
            for file, of, key in images
        ),
    ]


def at_random(items: Sequence[Item], seed: int) -> Sides:
    """Splits files one by one."""
    order = np.random.default_rng(seed).permutation(len(items))
    cut = len(items) // FOLDS
    return [items[index] for index in order[cut:]], [items[index] for index in order[:cut]]


def by_lesion(items: Sequence[Item], seed: int) -> Sides:
    """Splits as `melanoma train` does; the test part that it sets aside is not needed here and trains too."""
    parts = split([item.photograph for item in items], 1 / FOLDS, 1 / FOLDS, seed)
    held_out = [item for item, part in zip(items, parts, strict=True) if part == VALIDATION]
    return [item for item, part in zip(items, parts, strict=True) if part != VALIDATION], held_out


def augment_then_split(material: Material, per_class: int, seed: int) -> Sides:
    """The usual notebook: augment everything, then split the files."""
    return at_random(augmented(material.pool, per_class, seed), seed)


def split_then_augment(material: Material, per_class: int, seed: int) -> Sides:
    """One change: split first, augment the training part only. Copies and lesions still lie on both sides."""
    training, validation = at_random(material.pool, seed)
    return augmented(training, per_class, seed), validation


def clean_first(material: Material, per_class: int, seed: int) -> Sides:
    """One more: take out copies and contradictory labels. Lesions still lie on both sides."""
    training, validation = at_random(material.clean, seed)
    return augmented(training, per_class, seed), validation


def split_by_lesion(material: Material, per_class: int, seed: int) -> Sides:
    """And the last: keep each lesion, and what looks alike, on one side."""
    training, validation = by_lesion(material.clean, seed)
    return augmented(training, per_class, seed), validation


PROTOCOLS: dict[str, Callable[[Material, int, int], Sides]] = {
    "augment, then split": augment_then_split,
    "split, then augment": split_then_augment,
    "clean, split, augment": clean_first,
    "clean, split by lesion, augment": split_by_lesion,
}
