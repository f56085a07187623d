"""Names and descriptions of an audit's findings, for the page and the terminal."""

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.labels import name_of

TITLES = {
    Kind.LEAK: "Leaks",
    Kind.LABELS: "Contradictory labels",
    Kind.GROUPS: "Divided groups",
    Kind.DUPLICATE: "Duplicates",
    Kind.BROKEN: "Unreadable files",
}
MEANINGS = {
    Kind.LEAK: "Photographs or lesions that two sides share. A network trained on one side and tested on the other "
    "appears better than it is.",
    Kind.LABELS: "Photographs or lesions with labels that cannot both be right. A coarse label does not contradict a "
    "finer one that it includes.",
    Kind.GROUPS: "Copies of one photograph under two lesions or patients. A split by group would separate them.",
    Kind.DUPLICATE: "Photographs that one side has more than once. They get more weight than they should.",
    Kind.BROKEN: "Files that cannot be read or decoded.",
}
BASES = {
    Basis.CONTENT: "identical bytes",
    Basis.NEAR: "near duplicate",
    Basis.ID: "same id",
    Basis.GROUP: "same lesion or patient",
    Basis.REFERENCE: "reference",
    Basis.DECODER: "decoder",
}


def describe(finding: Finding) -> str:
    """Returns a phrase that says how a finding is known, and how much the two photographs differ."""
    if finding.basis is Basis.REFERENCE:
        return f"{name_of(finding.detail).lower()} in the reference"
    if finding.basis is Basis.DECODER:
        return f"unreadable: {finding.detail}"
    difference = "images not compared" if finding.distance is None else f"{finding.distance} of 256 bits differ"
    turned = ", one turned or mirrored" if finding.detail == "turned" else ""
    return f"{BASES[finding.basis]}; {difference}{turned}"
