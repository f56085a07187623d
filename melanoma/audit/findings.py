"""What an audit can find: two photographs, and what makes them one where they should be two."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong."""

    LEAK = "leak"  # two sides show one photograph or lesion
    LABELS = "labels"  # one photograph or lesion lies under labels that cannot both be right
    GROUPS = "groups"  # one photograph lies under two lesions or patients
    DUPLICATE = "duplicate"  # one side shows one photograph twice
    BROKEN = "broken"  # the bytes give no picture


class Basis(StrEnum):
    """How it is known."""

    CONTENT = "content"  # the bytes are equal
    NEAR = "near_duplicate"  # the pictures look alike, though their bytes differ
    ID = "id"  # the files or rows have one name
    GROUP = "group"  # the photographs show one lesion or patient
    REFERENCE = "reference"  # a table knows the photograph by its id
    DECODER = "decoder"  # the decoder refused the bytes


class Finding(NamedTuple):
    """One pair of photographs, or one photograph.

    Attributes:
        kind: What is wrong with it.
        basis: How it is known; one pair may be found in several ways.
        first: Index of a photograph.
        second: Index of the one that it was found with; None where the finding concerns one alone.
        distance: Bits of their hashes that differ, 0 to 256; None where a hash is not known.
        detail: The reference's label, the decoder's kind of error, or "turned" where the two are nearer when one is
            turned or mirrored.
    """

    kind: Kind
    basis: Basis
    first: int
    second: int | None = None
    distance: int | None = None
    detail: str = ""
