"""What an audit can find: two photographs, and what makes them one where they should be two."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong with a pair."""

    DUPLICATE = "duplicate"  # one side shows it twice
    LEAK = "leak"  # two sides show it
    LABELS = "labels"  # it lies under two labels that cannot both be right


class Basis(StrEnum):
    """By what two photographs are known to be one, the surest first."""

    CONTENT = "content"  # their bytes are equal
    NEAR = "near_duplicate"  # they look alike
    ID = "id"  # they have one name
    GROUP = "group"  # they show one lesion or patient
    REFERENCE = "reference"  # a table knows the photograph by its id


class Finding(NamedTuple):
    """One pair of photographs.

    Attributes:
        kind: What is wrong with it.
        basis: How it was found; one pair may be found in several ways.
        first: Index of the one photograph.
        second: Index of the other; the same index where the reference contradicts the label of one.
        distance: Bits of their hashes that differ, 0 to 256; None where a hash is not known.
    """

    kind: Kind
    basis: Basis
    first: int
    second: int
    distance: int | None
