"""Links between photographs that are the same in some way: by bytes, appearance, id or lesion."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from melanoma.audit.findings import Basis
from melanoma.audit.perceptual_hash import Hashes, Pair, distance, near_pairs, with_turns
from melanoma.datasets.image_ids import original_id
from melanoma.datasets.photographs import Photograph

_MAX_COPIES = 4  # of one photograph; more names that differ only in a copy's mark are a numbered series


class Link(NamedTuple):
    """Two photographs that are the same in some way.

    Attributes:
        basis: How this is known.
        first: Index of the photograph whose mark is more common, or of the earlier one.
        second: Index of the other photograph.
        distance: Number of differing bits between their perceptual hashes, 0 to 256; None where one has no hash.
        detail: "turned" where the hashes are closer with one photograph turned or mirrored, else empty.
    """

    basis: Basis
    first: int
    second: int
    distance: int | None
    detail: str


class Links:
    """All links between photographs.

    The photographs of a link are compared by their mark: the side of the split that they are on, or their label.

    Args:
        photographs: All indices refer to their order.
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies; None to look for
            no near duplicates.
    """

    def __init__(self, photographs: Sequence[Photograph], hashes: Hashes | None) -> None:
        stated = {p.group for p in photographs if p.group != p.image_id}
        self._digests = [p.sha256 for p in photographs]
        self._keys = {
            Basis.CONTENT: self._digests,
            Basis.ID: _original_ids([p.image_id for p in photographs]),
            Basis.GROUP: [p.group if p.group in stated else "" for p in photographs],
        }
        self._hashes = hashes
        pairs = [] if hashes is None else near_pairs(hashes)
        self._near = [pair for pair in pairs if self._digests[pair.first] != self._digests[pair.second]]

    @property
    def groups(self) -> list[str]:
        """Stated group of each photograph, such as its lesion; empty where none is stated."""
        return self._keys[Basis.GROUP]

    def across(self, marks: Sequence[str], groups: Sequence[str] | None = None) -> Iterator[Link]:
        """Finds links between photographs with different marks.

        Args:
            marks: Mark of each photograph; a photograph with an empty mark has no links.
            groups: Group of each photograph, empty where it has none; by default its stated group.

        Yields:
            For each basis and each two marks, every photograph of the rarer mark that the more common mark has too, as
            `second`, with the first or nearest photograph that it is linked to.
        """
        keys_of = self._keys if groups is None else {**self._keys, Basis.GROUP: groups}
        for basis, keys in keys_of.items():
            yield from (self._link(basis, *pair) for pair in _shared(keys, marks))
        yield from (self._link(Basis.NEAR, pair.first, pair.second) for pair in _nearest(self._near, marks))

    def within(self, marks: Sequence[str]) -> Iterator[Link]:
        """Finds links between photographs with the same mark.

        Args:
            marks: Mark of each photograph.

        Yields:
            Each further copy of an image, and each further image with the same id, with the first one; then pairs of
            near duplicates, with only the first copy of each image.
        """
        first_of: dict[tuple[str, str], int] = {}
        with_id: dict[tuple[str, str], int] = {}
        for index, (digest, name, mark) in enumerate(zip(self._digests, self._keys[Basis.ID], marks, strict=True)):
            same_bytes = first_of.setdefault((mark, digest), index)
            same_id = with_id.setdefault((mark, name), index)
            if same_bytes != index:
                yield self._link(Basis.CONTENT, same_bytes, index)
            elif same_id != index:
                yield self._link(Basis.ID, same_id, index)
        firsts = set(first_of.values())
        for pair in self._near:
            if marks[pair.first] == marks[pair.second] and pair.first in firsts and pair.second in firsts:
                yield self._link(Basis.NEAR, pair.first, pair.second)

    def _link(self, basis: Basis, first: int, second: int) -> Link:
        if self._hashes is None or (bits := distance(self._hashes, first, second)) is None:
            return Link(basis, first, second, None, "")
        upright = distance(with_turns(self._hashes)[:, 0], first, second)
        return Link(basis, first, second, bits, "" if bits == upright else "turned")


def _original_ids(ids: Sequence[str]) -> list[str]:
    """Returns ids without the marks of copies, except those of a numbered series: `nevus (1)` to `nevus (90)`."""
    names = [original_id(image_id) for image_id in ids]
    spellings = Counter(name for name, _ in set(zip(names, ids, strict=True)))
    return [name if spellings[name] <= _MAX_COPIES else image_id for name, image_id in zip(names, ids, strict=True)]


def _shared(keys: Sequence[str], marks: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields pairs of photographs that have the same key and different marks; empty keys and marks are left out."""
    members: dict[str, dict[str, list[int]]] = {}
    for index, (key, mark) in enumerate(zip(keys, marks, strict=True)):
        if key and mark:
            members.setdefault(key, {}).setdefault(mark, []).append(index)
    rank = _rank(marks)
    for by_mark in members.values():
        for common, rare in combinations(sorted(by_mark, key=rank), 2):
            yield from ((by_mark[common][0], index) for index in by_mark[rare])


def _nearest(pairs: Iterable[Pair], marks: Sequence[str]) -> Iterator[Pair]:
    """Yields the nearest pair of every photograph of the rarer mark, `second`, for each two marks."""
    rank, seen = _rank(marks), set()
    for pair in pairs:
        first, second = sorted((pair.first, pair.second), key=lambda index: rank(marks[index]))
        two = marks[first], marks[second]
        if all(two) and two[0] != two[1] and (two[0], second) not in seen:
            seen.add((two[0], second))
            yield Pair(first, second, pair.distance)


def _rank(marks: Sequence[str]) -> Callable[[str], int]:
    """Returns the sort key of marks: the most common first, and in order of appearance where they tie."""
    return {mark: rank for rank, (mark, _) in enumerate(Counter(marks).most_common())}.__getitem__
