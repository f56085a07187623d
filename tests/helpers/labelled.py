"""Small sets of labelled photographs, hashes and audits."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melanoma.audit.audit import audit
from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import Hashes
from melanoma.audit.sets import SetOptions, Sets, read_sets
from melanoma.datasets.photographs import Photograph


def labelled(image_id: str, label: str = "nevus", content: str = "", group: str = "", part: str = "") -> Photograph:
    """Returns a photograph without a file; equal `content` stands for equal bytes."""
    uri = f"file:///{label}/{image_id}.jpg"
    return Photograph(image_id, uri, content or image_id, label, group or image_id, part=part)


def lesions(counts: dict[str, int], photographs_each: int = 2) -> list[Photograph]:
    """Returns photographs of a number of lesions of each label, with ids `<label>-<lesion>-<view>`."""
    return [
        labelled(f"{label}-{lesion}-{view}", label, group=f"{label}-{lesion}")
        for label, count in counts.items()
        for lesion in range(count)
        for view in range(photographs_each)
    ]


def parts_by_group(photographs: list[Photograph], parts: np.ndarray) -> dict[str, set[str]]:
    """Returns the parts in which each group has photographs."""
    found: dict[str, set[str]] = {}
    for photograph, part in zip(photographs, parts.tolist(), strict=True):
        found.setdefault(photograph.group, set()).add(part)
    return found


def hashes_of(*bits: int) -> Hashes:
    """Returns hashes any two of which differ by the difference of their numbers of bits, 0 to 63."""
    words = np.full((len(bits), 4), 0x5555555555555555, np.uint64)
    words[:, 0] ^= np.array([(1 << count) - 1 for count in bits], np.uint64)
    return words


def set_of(*photographs: Photograph, name: str = "train", parts: tuple[str, ...] = ()) -> Sets:
    """Returns one set of photographs, each perhaps in a part of a split."""
    blank = [""] * len(photographs)
    return Sets(
        list(photographs), [name] * len(photographs), list(parts) or blank, blank, {name: f"/data/{name}"}, {name: 0}
    )


class Audited(NamedTuple):
    """Sets, and what their audit found."""

    sets: Sets
    findings: list[Finding]
    unreadable: dict[int, str]
    hashes: Hashes

    def counts(self) -> Counter[tuple[str, str]]:
        """Returns the number of findings by kind and basis."""
        return Counter((str(finding.kind), str(finding.basis)) for finding in self.findings)

    def names(self, kind: Kind, basis: Basis) -> list[tuple[str, str]]:
        """Returns the ids of the pairs of one kind and basis."""
        ids = [one.image_id for one in self.sets.photographs]
        return [
            (ids[f.first], "" if f.second is None else ids[f.second])
            for f in self.findings
            if (f.kind, f.basis) == (kind, basis)
        ]


def audited(uris: list[Path], options: SetOptions, turned: bool = True) -> Audited:
    """Reads, hashes and audits sets."""
    sets = read_sets([str(uri) for uri in uris], options)
    hashes, unreadable = hash_photographs(sets.photographs, turned=turned)
    return Audited(sets, audit(sets, hashes, unreadable), unreadable, hashes)
