"""The names and descriptions of findings for people."""

import pytest

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.wording import BASES, MEANINGS, TITLES, describe


def test_every_kind_and_basis_has_a_name_of_its_own() -> None:
    assert list(TITLES) == list(MEANINGS) == list(Kind)
    assert list(BASES) == list(Basis)
    assert len(set(TITLES.values())) == len(Kind) and len(set(BASES.values())) == len(Basis)


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (Finding(Kind.LEAK, Basis.CONTENT, 0, 1, 0), "identical bytes; 0 of 256 bits differ"),
        (
            Finding(Kind.LEAK, Basis.NEAR, 0, 1, 12, "turned"),
            "near duplicate; 12 of 256 bits differ, one turned or mirrored",
        ),
        (Finding(Kind.DUPLICATE, Basis.ID, 0, 1), "same id; images not compared"),
        (
            Finding(Kind.LABELS, Basis.REFERENCE, 0, detail="basal_cell_carcinoma"),
            "basal cell carcinoma in the reference",
        ),
        (Finding(Kind.BROKEN, Basis.DECODER, 0, detail="truncated"), "unreadable: truncated"),
    ],
)
def test_a_finding_says_how_it_is_known(finding: Finding, expected: str) -> None:
    assert describe(finding) == expected
