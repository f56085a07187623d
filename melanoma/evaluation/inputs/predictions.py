"""Predictions for labelled photographs, as arrays: the input of every metric."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

MELANOMA = "melanoma"
MIN_TEST_PHOTOGRAPHS = 10  # a class with fewer labelled photographs is not evaluated

Classes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model for n labelled photographs.

    Attributes:
        slugs: The k classes that the model knows.
        truth: int64 (n,), the labelled class, 0 to k - 1.
        probabilities: float32 (n, k), 0 to 1, rows sum to 1.
        top: int64 (n,), the class chosen by the decision rule, which need not be the most likely one.
        groups: Text (n,), the lesion or patient of each photograph.
        flagged: bool (n,), whether `p_melanoma` reached the bundle's threshold; None for a bundle without one.
        review: bool (n,), whether the photograph was referred to a person; None for a bundle without that rule.
        subgroups: Text (n,) by column, for example the sex of each photograph's patient.

    Raises:
        ValueError: The arrays differ in length, or a class index is out of range.
    """

    slugs: tuple[str, ...]
    truth: Classes
    probabilities: npt.NDArray[np.float32]
    top: Classes
    groups: Names
    flagged: Mask | None = None
    review: Mask | None = None
    subgroups: Mapping[str, Names] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, k = len(self.truth), len(self.slugs)
        columns = [self.truth, self.top, self.groups, self.flagged, self.review, *self.subgroups.values()]
        if self.probabilities.shape != (n, k) or any(len(column) != n for column in columns if column is not None):
            raise ValueError(f"{n} photographs of {k} classes need arrays of that length")
        classes = np.append(self.truth, self.top)
        if n and (classes.min() < 0 or classes.max() >= k):
            raise ValueError(f"classes must lie between 0 and {k - 1}")

    @property
    def n(self) -> int:
        """Number of photographs."""
        return len(self.truth)

    @property
    def melanoma(self) -> int | None:
        """Index of melanoma; None if the model does not know the class."""
        return self.slugs.index(MELANOMA) if MELANOMA in self.slugs else None

    def counts(self) -> Classes:
        """Returns the number of labelled photographs of each class, int64 (k,)."""
        return np.bincount(self.truth, minlength=len(self.slugs))

    def evaluated(self) -> list[int]:
        """Returns the indices of the classes with enough photographs to be evaluated."""
        return [int(index) for index in np.flatnonzero(self.counts() >= MIN_TEST_PHOTOGRAPHS)]

    def where(self, chosen: Mask) -> "Predictions":
        """Returns the photographs that a mask, bool (n,), selects."""
        return replace(
            self,
            truth=self.truth[chosen],
            probabilities=self.probabilities[chosen],
            top=self.top[chosen],
            groups=self.groups[chosen],
            flagged=None if self.flagged is None else self.flagged[chosen],
            review=None if self.review is None else self.review[chosen],
            subgroups={name: values[chosen] for name, values in self.subgroups.items()},
        )
