"""Finds leaks, contradictions, duplicates and damaged files in sets of labelled photographs."""

from collections.abc import Iterator, Mapping

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.links import Links
from melanoma.audit.perceptual_hash import Hashes
from melanoma.audit.sets import Sets
from melanoma.datasets.reference import contradict_each_other, contradicts


def audit(sets: Sets, hashes: Hashes, unreadable: Mapping[int, str]) -> list[Finding]:
    """Finds leaks between sides, contradictory labels, divided groups, duplicates within a side, and unreadable files.

    Each basis is checked separately, so one pair may be found by its bytes and again by its ids.

    Args:
        sets: The photographs.
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies.
        unreadable: Kind of error by index of photograph.

    Returns:
        The findings, sorted by kind, then by basis. Of two sides or labels, `second` is a photograph of the smaller one
        that the larger one shows too.
    """
    links = Links(sets.photographs, hashes)
    found = [Finding(Kind.LEAK, *link) for link in links.across(sets.sides)]
    found += _contradictions(sets, links)
    found += [Finding(Kind.GROUPS, *link) for link in links.across(links.groups) if link.basis is not Basis.GROUP]
    found += [Finding(Kind.DUPLICATE, *link) for link in links.within(sets.sides)]
    found += [Finding(Kind.BROKEN, Basis.DECODER, index, detail=error) for index, error in unreadable.items()]
    kinds, bases = list(Kind), list(Basis)
    return sorted(found, key=lambda finding: (kinds.index(finding.kind), bases.index(finding.basis)))


def _contradictions(sets: Sets, links: Links) -> Iterator[Finding]:
    """Yields labels that cannot both be right, and labels that the reference contradicts."""
    labels = [photograph.label for photograph in sets.photographs]
    lesions = [sets.patients.get(index, group) for index, group in enumerate(links.groups)]
    for link in links.across(labels, lesions):
        if contradict_each_other(labels[link.first], labels[link.second]):
            yield Finding(Kind.LABELS, *link)
    for index, (label, known) in enumerate(zip(labels, sets.known, strict=True)):
        if known and contradicts(known, label):
            yield Finding(Kind.LABELS, Basis.REFERENCE, index, detail=known)
