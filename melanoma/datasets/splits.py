"""Splits a cleaned data set by lesion, or as another split did."""

import contextlib
import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from melanoma.datasets.reading import APART, Columns, Photograph, read_columns
from melanoma.errors import DataError, UsageError

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
LEAST_GROUPS = 5  # of validation: as many folds check the calibration
_MAX_FOLDS = 20


class Part(NamedTuple):
    """One part of a split.

    Attributes:
        photographs: In order.
        truth: int64 (photographs,), indices into the data set's labels.
        groups: Lesion or patient of each.
    """

    photographs: list[Photograph]
    truth: npt.NDArray[np.int64]
    groups: list[str]


@dataclass(frozen=True)
class Dataset:
    """Cleaned and split photographs.

    Attributes:
        photographs: In any order.
        parts: Part of each photograph, (photographs,).
    """

    photographs: Sequence[Photograph]
    parts: npt.NDArray[np.str_]

    @property
    def labels(self) -> list[str]:
        """Slugs of the classes, in the order of the network's outputs."""
        return sorted({photograph.label for photograph in self.photographs})

    def part(self, name: str) -> Part:
        """Gives one part."""
        photographs = [p for p, taken in zip(self.photographs, self.parts == name, strict=True) if taken]
        index = {label: number for number, label in enumerate(self.labels)}
        truth = np.array([index[photograph.label] for photograph in photographs], np.int64)
        return Part(photographs, truth, [photograph.group for photograph in photographs])

    def tally(self) -> dict[str, dict[str, int]]:
        """Counts photographs by label and part."""
        counts = Counter((p.label, part) for p, part in zip(self.photographs, self.parts.tolist(), strict=True))
        return {label: {part: counts[label, part] for part in PARTS} for label in self.labels}

    def to_csv(self) -> bytes:
        """Lists id, digest, label, group and part of every photograph, so that anyone can check the split."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image_id", "sha256", "label", "group", "part"])
        for p, part in zip(self.photographs, self.parts.tolist(), strict=True):
            writer.writerow([p.image_id, p.sha256, p.label, p.group, part])
        return file.getvalue().encode()


class Settled(NamedTuple):
    """Parts that another split has settled.

    Attributes:
        by_id: Part by image_id.
        by_group: Part by lesion or patient.
        by_content: Part by sha256 of the file.
    """

    by_id: Mapping[str, str] = {}
    by_group: Mapping[str, str] = {}
    by_content: Mapping[str, str] = {}

    def part_of(self, photograph: Photograph, stated: str) -> str:
        """Gives the part of a photograph whose lesion is stated so; empty where nothing is known."""
        return (
            self.by_id.get(photograph.image_id)
            or self.by_content.get(photograph.sha256)
            or self.by_group.get(stated)
            or self.by_group.get(stated.removeprefix(APART))
            or self.by_group.get(photograph.group, "")
        )


def read_split(uri: str) -> Settled:
    """Reads the part of each photograph from a file such as `Dataset.to_csv` writes.

    Args:
        uri: CSV or Parquet table with the columns image_id, group and part, and maybe sha256.

    Raises:
        DataError: An id or a group has two parts, or a part is none of train, validation, test.
        UsageError: The table has no such columns.
    """
    table = read_columns(uri, Columns("image_id", "part", "group"))
    if strange := set(table["label"]) - set(PARTS):
        raise DataError(f"{uri}: parts {', '.join(sorted(map(repr, strange)))}; expected {', '.join(PARTS)}")
    digests = [""] * len(table)
    with contextlib.suppress(UsageError):  # a list by hand has none
        digests = read_columns(uri, Columns("image_id", "part", "sha256"))["group"].tolist()
    by_id, by_group, by_content = dict[str, str](), dict[str, str](), dict[str, str]()
    rows = zip(table["label"], table["image_id"], table["group"], digests, strict=True)
    for part, *names in rows:
        for name, known in zip(names, (by_id, by_group, by_content), strict=True):
            if name and known.setdefault(name, part) != part:
                raise DataError(f"{uri}: {name} lies in {known[name]} and in {part}; such a split leaks, write it anew")
    return Settled(by_id, by_group, by_content)


def follow(
    photographs: Sequence[Photograph], settled: Settled, stated: Sequence[str] | None = None
) -> npt.NDArray[np.str_]:
    """Takes parts over from another split, for photographs that it names and all others of their groups.

    Args:
        photographs: To be split, with the groups that are to stay together.
        settled: By the other split.
        stated: Lesion or patient of each as it is stated, if groups have been joined since: where the other split parts
            what only looks joined, each photograph stays where it was put.

    Returns:
        Part of each photograph, (photographs,), empty where nothing is known.

    Raises:
        DataError: The other split has one stated group on two sides.
    """
    stated = [photograph.group for photograph in photographs] if stated is None else stated
    own = [settled.part_of(photograph, lesion) for photograph, lesion in zip(photographs, stated, strict=True)]
    side_of: dict[str, str] = {}
    for lesion, part in zip(stated, own, strict=True):
        if part and side_of.setdefault(lesion, part) != part:
            raise DataError(
                f"group {lesion} lies in {side_of[lesion]} and in {part} of the split that is to be followed; such a "
                "split leaks, write it anew"
            )
    joined: dict[str, str] = {}
    for photograph, part in zip(photographs, own, strict=True):
        if part:
            joined.setdefault(photograph.group, part)
    parts = (
        part or side_of.get(lesion) or joined.get(photograph.group, "")
        for photograph, lesion, part in zip(photographs, stated, own, strict=True)
    )
    return np.array(list(parts), "<U10")


def split(
    photographs: Sequence[Photograph],
    validation: float,
    test: float,
    seed: int,
    known: Settled | None = None,
    stated: Sequence[str] | None = None,
) -> npt.NDArray[np.str_]:
    """Splits by group, classes in like shares everywhere: no lesion is on two sides.

    A class with fewer groups than the split has folds cannot be on every side; it goes to training with its groups.

    Args:
        photographs: Cleaned.
        validation: Share of the photographs, above 0; a whole number of folds.
        test: The same.
        seed: Of the shuffle.
        known: What another split has settled; the rest is split.
        stated: See `follow`.

    Returns:
        Part of each photograph, (photographs,): `train`, `validation` or `test`.

    Raises:
        DataError: Fewer than two classes are large enough to be split.
        UsageError: The shares are not a whole number of at most 20 folds, or leave nothing for training.
    """
    folds = _folds_for(validation, test)
    labels = np.array([photograph.label for photograph in photographs])
    groups = np.array([photograph.group for photograph in photographs])
    parts = follow(photographs, known or Settled(), stated)
    undecided = parts == ""
    parts[undecided] = TRAIN
    lesions = {label: len(set(groups[undecided & (labels == label)])) for label in sorted(set(labels.tolist()))}
    small = [label for label, count in lesions.items() if count < folds]
    splittable = np.flatnonzero(undecided & ~np.isin(groups, groups[np.isin(labels, small)]))
    if known and not len(splittable):
        return parts
    if len(set(labels[splittable].tolist())) < 2:
        found = ", ".join(f"{label} {count}" for label, count in lesions.items()) or "none"
        raise DataError(
            f"lesions by class after cleaning: {found}; expected {folds} each in 2 classes, add photographs"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    held_out = [TEST] * round(test * folds) + [VALIDATION] * round(validation * folds)
    indices = splitter.split(splittable, labels[splittable], groups[splittable])
    for part, (_, fold) in zip(held_out, indices, strict=False):
        parts[splittable[fold]] = part
    return parts


def _folds_for(validation: float, test: float) -> int:
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise UsageError(f"shares {validation:g} and {test:g} leave a part empty; expected above 0, together below 1")
    for folds in range(2, _MAX_FOLDS + 1):
        if all(abs(share * folds - round(share * folds)) < 1e-6 for share in (validation, test)):
            return folds
    raise UsageError(f"shares {validation:g} and {test:g} are no whole numbers of {_MAX_FOLDS} folds; try 0.2 and 0.2")
