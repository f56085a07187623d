"""Splits a cleaned data set by lesion, and draws from its training part so that every class counts alike."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from melanoma.errors import DataError, UsageError
from melanoma.learning.datasets import Photograph

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
_MAX_FOLDS = 20


@dataclass(frozen=True)
class Dataset:
    """Cleaned, decoded and split photographs.

    Attributes:
        photographs: In the order of the arrays.
        pixels: uint8 (photographs, height, width, 3), 0 to 255.
        parts: Part of each photograph, (photographs,).
    """

    photographs: Sequence[Photograph]
    pixels: npt.NDArray[np.uint8]
    parts: npt.NDArray[np.str_]

    @property
    def labels(self) -> list[str]:
        """Slugs of the classes, in the order of the network's outputs."""
        return sorted({photograph.label for photograph in self.photographs})

    def of(self, part: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], list[str]]:
        """Gives one part: pixels, indices into `labels`, groups."""
        chosen, labels = self.parts == part, self.labels
        photographs = [photograph for photograph, taken in zip(self.photographs, chosen, strict=True) if taken]
        truth = np.array([labels.index(photograph.label) for photograph in photographs], np.int64)
        return self.pixels[chosen], truth, [photograph.group for photograph in photographs]

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


def split(photographs: Sequence[Photograph], validation: float, test: float, seed: int) -> npt.NDArray[np.str_]:
    """Splits by group, classes in like shares everywhere: no lesion is on two sides.

    A class with fewer groups than the split has folds cannot be on every side; it goes to training with its groups.

    Args:
        photographs: Cleaned.
        validation: Share of the photographs, above 0; a whole number of folds.
        test: The same.
        seed: Of the shuffle.

    Returns:
        Part of each photograph, (photographs,): `train`, `validation` or `test`.

    Raises:
        DataError: Fewer than two classes are large enough to be split.
        UsageError: The shares are not a whole number of at most 20 folds, or leave nothing for training.
    """
    folds = _folds_for(validation, test)
    labels = np.array([photograph.label for photograph in photographs])
    groups = np.array([photograph.group for photograph in photographs])
    lesions = {label: len(set(groups[labels == label])) for label in sorted(set(labels.tolist()))}
    small = [label for label, count in lesions.items() if count < folds]
    splittable = np.flatnonzero(~np.isin(groups, groups[np.isin(labels, small)]))
    if len(set(labels[splittable].tolist())) < 2:
        found = ", ".join(f"{label} {count}" for label, count in lesions.items()) or "none"
        raise DataError(
            f"lesions by class after cleaning: {found}; expected {folds} each in 2 classes, add photographs"
        )
    parts = np.full(len(labels), TRAIN, dtype="<U10")
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


def draw_balanced(labels: npt.NDArray[np.int64], seed: tuple[int, int], max_repeats: int) -> npt.NDArray[np.int64]:
    """Draws one epoch's photographs, as many of each class, about as many in all as the training part holds.

    Args:
        labels: int64 (photographs,), class index of each.
        seed: Of the run, and the epoch; each at least 0.
        max_repeats: Times that one photograph may come up, at least 1; a class that this does not fill stays smaller.

    Returns:
        int64 (draws,), shuffled indices into `labels`.
    """
    dice = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    wanted = -(-len(labels) // len(classes))
    draws = []
    for label, count in zip(classes, counts, strict=True):
        target = min(wanted, count * max_repeats)
        rounds = [dice.permutation(np.flatnonzero(labels == label)) for _ in range(-(-target // count))]
        draws.append(np.concatenate(rounds)[:target])
    return dice.permutation(np.concatenate(draws))
