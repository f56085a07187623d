"""The values in findings.csv, in audit.json and of --fail-on, which other programs rely on."""

from melanoma.audit.findings import Basis, Finding, Kind


def test_the_values_in_the_files_never_change() -> None:
    assert [str(kind) for kind in Kind] == ["leak", "labels", "groups", "duplicate", "broken"]
    assert [str(basis) for basis in Basis] == ["content", "near_duplicate", "id", "group", "reference", "decoder"]


def test_a_finding_about_one_photograph_needs_no_second() -> None:
    finding = Finding(Kind.BROKEN, Basis.DECODER, 3, detail="truncated")
    assert (finding.second, finding.distance) == (None, None)
