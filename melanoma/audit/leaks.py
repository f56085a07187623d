"""Everything that two sides of a split both show, and groups that keep it on one side."""

from collections.abc import Sequence

from melanoma.audit.findings import Finding, Kind
from melanoma.audit.links import Links
from melanoma.audit.perceptual_hash import NEAR, Hashes, near_pairs
from melanoma.datasets.cleaning import join_groups
from melanoma.datasets.reading import Photograph


def leaks(
    photographs: Sequence[Photograph],
    parts: Sequence[str],
    hashes: Hashes | None = None,
    owners: Sequence[int] | None = None,
) -> list[Finding]:
    """Finds what leaks from one side of a split to another: a content, a look, an id or a group on two sides.

    Args:
        photographs: Of all sides.
        parts: Side of each, such as `train` or `test`.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4); without them looks are not compared.
        owners: Where several are files of one photograph, the index of the first of them; findings name that.

    Returns:
        For each way of being one and each two sides, every photograph of the smaller side (`second`) that the larger
        shows too, with the first or nearest that shows it (`first`). Empty where nothing leaks.
    """
    owners = range(len(photographs)) if owners is None else owners
    found: dict[tuple[str, str, int], Finding] = {}
    for basis, first, second, distance, detail in Links(photographs, hashes).across(parts):
        of = Finding(Kind.LEAK, basis, owners[first], owners[second], distance, detail)
        found.setdefault((basis, parts[first], owners[second]), of)
    return list(found.values())


def join_near_duplicates(photographs: Sequence[Photograph], hashes: Hashes, most: int = NEAR) -> list[Photograph]:
    """Makes groups one group that photographs link which look alike, at any remove.

    Args:
        photographs: With the groups that are known.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4).
        most: Bits by which photographs may differ that look alike, 0 to 256.

    Returns:
        The photographs in their order; a joined group bears the name of its first in the alphabet.
    """
    pairs = near_pairs(hashes, most)
    return join_groups(photographs, ((photographs[one].group, photographs[other].group) for one, other, _ in pairs))
