"""Leaks between the parts of a split, and groups that prevent them."""

from collections.abc import Sequence

from melanoma.audit.findings import Finding, Kind
from melanoma.audit.links import Links
from melanoma.audit.perceptual_hash import NEAR_BITS, Hashes, near_pairs
from melanoma.datasets.grouping import join_groups
from melanoma.datasets.photographs import Photograph


def find_leaks(
    photographs: Sequence[Photograph],
    parts: Sequence[str],
    hashes: Hashes | None = None,
    owners: Sequence[int] | None = None,
) -> list[Finding]:
    """Finds photographs that two parts of a split share: by bytes, appearance, id or group.

    Args:
        photographs: Files of all parts.
        parts: Part of each file, such as `train` or `test`.
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies; None to look for
            no near duplicates.
        owners: Index of the photograph that each file shows, where photographs have several files; findings then name
            the photographs.

    Returns:
        For each basis and each two parts, every photograph of the smaller part (`second`) that the larger part shows
        too, with the first or nearest photograph that shows it (`first`). Empty if nothing leaks.
    """
    owners = range(len(photographs)) if owners is None else owners
    found: dict[tuple[str, str, int], Finding] = {}
    for link in Links(photographs, hashes).across(parts):
        first, second = owners[link.first], owners[link.second]
        leak = Finding(Kind.LEAK, link.basis, first, second, link.distance, link.detail)
        found.setdefault((link.basis, parts[link.first], second), leak)
    return list(found.values())


def join_near_duplicates(
    photographs: Sequence[Photograph], hashes: Hashes, max_bits: int = NEAR_BITS
) -> list[Photograph]:
    """Joins the groups of photographs that look alike, directly or through other photographs.

    Args:
        photographs: Photographs with their groups.
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies.
        max_bits: Largest number of differing bits between photographs that look alike, 0 to 256.

    Returns:
        The photographs in their order; a joined group takes the alphabetically first name of its members.
    """
    pairs = near_pairs(hashes, max_bits)
    return join_groups(photographs, ((photographs[pair.first].group, photographs[pair.second].group) for pair in pairs))
