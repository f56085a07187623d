"""Everything that two sides of a split both show, and groups that keep it on one side."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from melanoma.audit.findings import Basis, Finding, Kind
from melanoma.audit.hashes import NEAR, Hashes, Pair, distance, near_pairs
from melanoma.images import IMAGE_EXTENSIONS
from melanoma.learning.datasets import Photograph
from melanoma.storage import stem_of


def leaks(photographs: Sequence[Photograph], parts: Sequence[str], hashes: Hashes | None = None) -> list[Finding]:
    """Finds what leaks from one side of a split to another: a content, a look, an id or a group on two sides.

    Args:
        photographs: Of all sides.
        parts: Side of each, such as `train` or `test`.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4); without them looks are not compared.

    Returns:
        For each way of being one and each two sides, every photograph of the smaller side (`second`) that the larger
        shows too, with the first or nearest that shows it (`first`). Empty where nothing leaks.
    """
    found = []
    for basis, keys in keys_of(photographs).items():
        found += [_finding(basis, *pair, hashes) for pair in _shared(keys, parts)]
    if hashes is not None:
        near = [p for p in near_pairs(hashes) if photographs[p.first].sha256 != photographs[p.second].sha256]
        found += [Finding(Kind.LEAK, Basis.NEAR, *pair) for pair in nearest_across(near, parts)]
    return found


def join_near_duplicates(photographs: Sequence[Photograph], hashes: Hashes, most: int = NEAR) -> list[Photograph]:
    """Makes groups one group that photographs link which look alike, at any remove.

    Args:
        photographs: With the groups that are known.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4).
        most: Bits by which photographs may differ that look alike, 0 to 256.

    Returns:
        The photographs in their order; a joined group bears the name of its first in the alphabet.
    """
    joined_to: dict[str, str] = {}

    def name_of(group: str) -> str:
        while group in joined_to:
            group = joined_to[group]
        return group

    for pair in near_pairs(hashes, most):
        first, second = sorted(name_of(photographs[index].group) for index in (pair.first, pair.second))
        if first != second:
            joined_to[second] = first
    return [replace(photograph, group=name_of(photograph.group)) for photograph in photographs]


def keys_of(photographs: Sequence[Photograph]) -> dict[Basis, list[str]]:
    """Gives what photographs share that are one: for each way its key for each photograph, empty where not known."""
    stated = {p.group for p in photographs if p.group != p.image_id}
    return {
        Basis.CONTENT: [p.sha256 for p in photographs],
        Basis.ID: [_bare(p.image_id) for p in photographs],
        Basis.GROUP: [p.group if p.group in stated else "" for p in photographs],
    }


def _bare(image_id: str) -> str:
    """Leaves folder and extension of an id that is a path, as a table may give it."""
    return stem_of(image_id) if image_id.lower().endswith(tuple(IMAGE_EXTENSIONS)) else image_id


def _shared(keys: Sequence[str], marks: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Gives, for each two marks, each index of the rarer whose key the commoner has too, and there first."""
    members: dict[str, dict[str, list[int]]] = {}
    for index, (key, mark) in enumerate(zip(keys, marks, strict=True)):
        if key:
            members.setdefault(key, {}).setdefault(mark, []).append(index)
    rank = rank_of(marks)
    for marked in members.values():
        for common, rare in combinations(sorted(marked, key=rank), 2):
            for index in marked[rare]:
                yield marked[common][0], index


def nearest_across(pairs: Sequence[Pair], marks: Sequence[str]) -> Iterator[Pair]:
    """Gives, for each two marks, every index of the rarer that is near one of the commoner, with the nearest.

    Args:
        pairs: Nearest first.
        marks: Of each photograph.
    """
    rank, seen = rank_of(marks), set()
    for pair in pairs:
        first, second = sorted((pair.first, pair.second), key=lambda index: rank(marks[index]))
        if marks[first] != marks[second] and (marks[first], second) not in seen:
            seen.add((marks[first], second))
            yield Pair(first, second, pair.distance)


def rank_of(marks: Sequence[str]) -> Callable[[str], int]:
    """Orders marks, the commonest first, and those as common as each other as they come."""
    return {mark: rank for rank, (mark, _) in enumerate(Counter(marks).most_common())}.__getitem__


def _finding(basis: Basis, first: int, second: int, hashes: Hashes | None) -> Finding:
    bits = None if hashes is None else distance(hashes, first, second)
    return Finding(Kind.LEAK, basis, first, second, bits)
