"""A cleaned data set and its training, validation and test parts."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.datasets.photographs import Photograph

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
MIN_GROUPS = 5  # in the validation part: calibration is checked on as many folds


class Part(NamedTuple):
    """One part of a split.

    Attributes:
        photographs: The photographs of the part, in the order of the data set.
        truth: int64 array (photographs,), indices into the data set's labels.
        groups: Lesion or patient of each photograph.
    """

    photographs: list[Photograph]
    truth: npt.NDArray[np.int64]
    groups: list[str]

    @property
    def sources(self) -> list[str]:
        """Hospital, camera or collection of each photograph; empty where that was not asked for."""
        return [photograph.source for photograph in self.photographs]


@dataclass(frozen=True)
class Dataset:
    """Cleaned and split photographs.

    Attributes:
        photographs: In any order.
        parts: Array (photographs,) with the part of each photograph.
    """

    photographs: Sequence[Photograph]
    parts: npt.NDArray[np.str_]

    @property
    def labels(self) -> list[str]:
        """Slugs of the classes, in the order of the network's outputs."""
        return sorted({photograph.label for photograph in self.photographs})

    def part(self, name: str) -> Part:
        """Returns one part of the split."""
        photographs = [p for p, taken in zip(self.photographs, self.parts == name, strict=True) if taken]
        index = {label: number for number, label in enumerate(self.labels)}
        truth = np.array([index[photograph.label] for photograph in photographs], np.int64)
        return Part(photographs, truth, [photograph.group for photograph in photographs])

    def tally(self) -> dict[str, dict[str, int]]:
        """Returns the number of photographs by label and part."""
        counts = Counter((p.label, part) for p, part in zip(self.photographs, self.parts.tolist(), strict=True))
        return {label: {part: counts[label, part] for part in PARTS} for label in self.labels}

    def to_csv(self) -> bytes:
        """Returns a CSV file with id, digest, label, group and part of every photograph, and its source if known."""
        with_source = any(photograph.source for photograph in self.photographs)
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image_id", "sha256", "label", "group", "part", *["source"] * with_source])
        for p, part in zip(self.photographs, self.parts.tolist(), strict=True):
            writer.writerow([p.image_id, p.sha256, p.label, p.group, part, *[p.source] * with_source])
        return file.getvalue().encode()
