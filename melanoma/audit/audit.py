"""All that can be wrong with sets of labelled photographs, found in one pass over their links."""

from collections.abc import Iterator, Mapping

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.links import Links
from melanoma.audit.perceptual_hash import Hashes
from melanoma.audit.sets import Sets
from melanoma.datasets.cleaning import contradict


def audit(sets: Sets, hashes: Hashes, refused: Mapping[int, str]) -> list[Finding]:
    """Finds leaks between sides, contradictory labels, divided groups, duplicates within a side, and broken files.

    Every way of knowing is followed by itself, so that one pair may be found by its bytes and by its ids.

    Args:
        sets: What to look at.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4).
        refused: Kind of error by index of photograph.

    Returns:
        By kind, then by how it is known. Of two sides or labels, `second` is a photograph of the rarer one that the
        commoner has too.
    """
    links = Links(sets.photographs, hashes)
    found = [Finding(Kind.LEAK, *link) for link in links.across(sets.sides)]
    found += _contradictions(sets, links)
    found += [Finding(Kind.GROUPS, *link) for link in links.across(links.groups) if link.basis is not Basis.GROUP]
    found += [Finding(Kind.DUPLICATE, *link) for link in links.within(sets.sides)]
    found += [Finding(Kind.BROKEN, Basis.DECODER, index, detail=kind) for index, kind in refused.items()]
    kinds, bases = list(Kind), list(Basis)
    return sorted(found, key=lambda finding: (kinds.index(finding.kind), bases.index(finding.basis)))


def _contradictions(sets: Sets, links: Links) -> Iterator[Finding]:
    """A coarse label and a finer one that it includes do not contradict each other, in whichever set either stands."""
    labels = [photograph.label for photograph in sets.photographs]
    for link in links.across(labels):
        first, second = labels[link.first], labels[link.second]
        if contradict(first, second) and contradict(second, first):
            yield Finding(Kind.LABELS, *link)
    for index, (label, known) in enumerate(zip(labels, sets.known, strict=True)):
        if known and contradict(known, label):
            yield Finding(Kind.LABELS, Basis.REFERENCE, index, detail=known)
