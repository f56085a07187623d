"""By what photographs are known to be one: their bytes, their looks, their ids, their lesion."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from melanoma.audit.findings import Basis
from melanoma.audit.perceptual_hash import Hashes, Pair, distance, near_pairs, with_turns
from melanoma.datasets.image_ids import bare
from melanoma.datasets.reading import Photograph

_MOST_COPIES = 4  # of one photograph under names of their own


class Link(NamedTuple):
    """Two photographs that are one in some way.

    Attributes:
        basis: How it is known.
        first: Index of the one whose mark is commoner, or that comes first.
        second: Index of the other.
        distance: Bits of their hashes that differ, 0 to 256; None where a hash is not known.
        detail: "turned" where they are nearer when one of them is turned or mirrored, else empty.
    """

    basis: Basis
    first: int
    second: int
    distance: int | None
    detail: str


class Links:
    """All links between photographs, asked by what marks the photographs: their side, or their label.

    Args:
        photographs: In the order of all indices.
        hashes: uint64 (photographs, 4) or with turns (photographs, 8, 4); without them looks are not compared.
    """

    def __init__(self, photographs: Sequence[Photograph], hashes: Hashes | None) -> None:
        """Compares each with each."""
        stated = {p.group for p in photographs if p.group != p.image_id}
        self._digests = [p.sha256 for p in photographs]
        self._keys = {
            Basis.CONTENT: self._digests,
            Basis.ID: _names([p.image_id for p in photographs]),
            Basis.GROUP: [p.group if p.group in stated else "" for p in photographs],
        }
        self._hashes = hashes
        pairs = [] if hashes is None else near_pairs(hashes)
        self._near = [pair for pair in pairs if self._digests[pair.first] != self._digests[pair.second]]

    @property
    def groups(self) -> list[str]:
        """Group of each, such as its lesion; empty where none is stated."""
        return self._keys[Basis.GROUP]

    def across(self, marks: Sequence[str]) -> Iterator[Link]:
        """Gives for each way and each two marks the photographs of the rarer mark that the commoner has too.

        Args:
            marks: Of each photograph; one whose mark is empty has no links.

        Yields:
            Each such photograph as `second` with the first or nearest one that it is linked to.
        """
        for basis, keys in self._keys.items():
            yield from (self._link(basis, *pair) for pair in _shared(keys, marks))
        yield from (self._link(Basis.NEAR, pair.first, pair.second) for pair in _nearest(self._near, marks))

    def within(self, marks: Sequence[str]) -> Iterator[Link]:
        """Gives what one mark has more than once: copies, near pairs of contents, and contents of one id.

        Yields:
            Each further copy or content with the first; near pairs as pairs of the first copies.
        """
        first_of: dict[tuple[str, str], int] = {}
        with_id: dict[tuple[str, str], int] = {}
        for index, (digest, name, mark) in enumerate(zip(self._digests, self._keys[Basis.ID], marks, strict=True)):
            known = first_of.setdefault((mark, digest), index)
            namesake = with_id.setdefault((mark, name), index)
            if known != index:
                yield self._link(Basis.CONTENT, known, index)
            elif namesake != index:
                yield self._link(Basis.ID, namesake, index)
        firsts = set(first_of.values())
        for pair in self._near:
            if marks[pair.first] == marks[pair.second] and pair.first in firsts and pair.second in firsts:
                yield self._link(Basis.NEAR, pair.first, pair.second)

    def _link(self, basis: Basis, first: int, second: int) -> Link:
        if self._hashes is None or (bits := distance(self._hashes, first, second)) is None:
            return Link(basis, first, second, None, "")
        upright = distance(with_turns(self._hashes)[:, 0], first, second)
        return Link(basis, first, second, bits, "" if bits == upright else "turned")


def _names(ids: Sequence[str]) -> list[str]:
    """Gives ids without marks of a copy, but for those that are numbered alike: `nevus (1)` to `nevus (90)`."""
    names = [bare(image_id) for image_id in ids]
    spellings = Counter(name for name, _ in set(zip(names, ids, strict=True)))
    return [name if spellings[name] <= _MOST_COPIES else image_id for name, image_id in zip(names, ids, strict=True)]


def _shared(keys: Sequence[str], marks: Sequence[str]) -> Iterator[tuple[int, int]]:
    members: dict[str, dict[str, list[int]]] = {}
    for index, (key, mark) in enumerate(zip(keys, marks, strict=True)):
        if key and mark:
            members.setdefault(key, {}).setdefault(mark, []).append(index)
    rank = _rank(marks)
    for marked in members.values():
        for common, rare in combinations(sorted(marked, key=rank), 2):
            yield from ((marked[common][0], index) for index in marked[rare])


def _nearest(pairs: Iterable[Pair], marks: Sequence[str]) -> Iterator[Pair]:
    rank, seen = _rank(marks), set()
    for pair in pairs:
        first, second = sorted((pair.first, pair.second), key=lambda index: rank(marks[index]))
        two = marks[first], marks[second]
        if all(two) and two[0] != two[1] and (two[0], second) not in seen:
            seen.add((two[0], second))
            yield Pair(first, second, pair.distance)


def _rank(marks: Sequence[str]) -> Callable[[str], int]:
    """Orders marks, the commonest first, and those as common as each other as they come."""
    return {mark: rank for rank, (mark, _) in enumerate(Counter(marks).most_common())}.__getitem__
