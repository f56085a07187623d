"""The kinds of findings of an audit, and the bases on which they are known."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong; findings.csv and audit.json contain these values, and `--fail-on` accepts them."""

    LEAK = "leak"  # two sides share a photograph or lesion
    LABELS = "labels"  # one photograph or lesion has labels that cannot both be right
    GROUPS = "groups"  # one photograph has two lesions or patients
    DUPLICATE = "duplicate"  # one side has a photograph twice
    BROKEN = "broken"  # a file cannot be decoded


class Basis(StrEnum):
    """How a finding is known; findings.csv and audit.json contain these values."""

    CONTENT = "content"  # the bytes are identical
    NEAR = "near_duplicate"  # the images look alike, though their bytes differ
    ID = "id"  # the files or rows have the same name
    GROUP = "group"  # the photographs show the same lesion or patient
    REFERENCE = "reference"  # a table knows the photograph by its id
    DECODER = "decoder"  # the decoder refused the bytes


class Finding(NamedTuple):
    """A defect of a pair of photographs, or of one photograph.

    Attributes:
        kind: What is wrong.
        basis: How it is known; one pair may be found on several bases.
        first: Index of a photograph.
        second: Index of the photograph that it is paired with; None where the finding is about one photograph.
        distance: Number of differing bits between their perceptual hashes, 0 to 256; None where one has no hash.
        detail: The reference's label, the decoder's kind of error, or "turned" where the hashes are closer with one
            photograph turned or mirrored.
    """

    kind: Kind
    basis: Basis
    first: int
    second: int | None = None
    distance: int | None = None
    detail: str = ""
