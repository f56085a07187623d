"""Takes out photographs whose label cannot be trusted and copies of the rest, before anything is split."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

from melanoma.datasets.image_ids import bare
from melanoma.datasets.reading import Columns, Photograph, read_columns, told_apart
from melanoma.errors import DataError
from melanoma.labels import slug_of

# A coarse label does not contradict the finer ones that it includes: HAM10000's bkl holds every benign keratosis, and
# its akiec holds Bowen's disease, which the ISIC Archive files under squamous cell carcinoma.
_INCLUDES = {
    "benign_keratosis": frozenset({"pigmented_benign_keratosis", "seborrheic_keratosis"}),
    "actinic_keratosis": frozenset({"squamous_cell_carcinoma"}),
}


class Step(NamedTuple):
    """One step on the way from files to a data set.

    Attributes:
        what: For people.
        dropped: Photographs that it took out.
        left: Photographs after it.
    """

    what: str
    dropped: int
    left: int


@dataclass(frozen=True)
class Reference:
    """What a table says of photographs by their id: slug of the label, and group."""

    label_of: Mapping[str, str]
    group_of: Mapping[str, str]

    def id_of(self, image_id: str) -> str:
        """Gives the id under which the table knows a photograph: as it is, or that of which its name is a copy's."""
        if image_id in self.label_of:
            return image_id
        same = self._by_bare_id.get(bare(image_id), ())
        return same[0] if len(same) == 1 else image_id

    @cached_property
    def _by_bare_id(self) -> Mapping[str, Sequence[str]]:
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.label_of:
            ids[bare(name)].append(name)
        return ids


def read_reference(uri: str, columns: Columns) -> Reference:
    """Reads a table that knows photographs by their id.

    Raises:
        DataError: The table gives one id two labels or groups, or a label is empty.
        UsageError: The table has no such column.
    """
    table = read_columns(uri, columns).drop_duplicates()
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise DataError(f"{uri}: {len(twice)} ids have two labels or groups, {twice.iloc[0]} first; keep one row each")
    ids = table["image_id"].tolist()
    labels = {label: slug_of(label) for label in table["label"].unique()}
    groups = told_apart(ids, table["group"].tolist())
    group_of = {image_id: group for image_id, group in zip(ids, groups, strict=True) if group}
    return Reference({i: labels[label] for i, label in zip(ids, table["label"], strict=True)}, group_of)


def clean(photographs: Sequence[Photograph], reference: Reference | None) -> tuple[list[Photograph], list[Step]]:
    """Cleans; the reference comes first, since it knows which of two labels of one content is right.

    Returns:
        The photographs that are left, each content once and with its group, and what every step took out.
    """
    rules: list[tuple[str, Callable[[Sequence[Photograph]], list[Photograph]]]] = [
        ("content filed under two labels, every copy", drop_two_labels),
        ("further copies of a content", drop_copies),
    ]
    if reference is not None:
        rules.insert(0, ("label contradicted by the reference", partial(apply_reference, reference=reference)))
    left, steps = list(photographs), []
    for what, rule in rules:
        kept = rule(left)
        steps.append(Step(what, len(left) - len(kept), len(kept)))
        left = kept
    return left, steps


def apply_reference(photographs: Sequence[Photograph], reference: Reference) -> list[Photograph]:
    """Gives photographs the group that a reference knows, and drops those whose label it contradicts."""
    known = [(photograph, reference.id_of(photograph.image_id)) for photograph in photographs]
    return [
        replace(photograph, group=reference.group_of.get(name, photograph.group))
        for photograph, name in known
        if not contradict(reference.label_of.get(name, photograph.label), photograph.label)
    ]


def contradict(reference: str, label: str) -> bool:
    """Tells whether a label cannot be right where the reference is; a coarse reference includes finer labels."""
    return reference != label and label not in _INCLUDES.get(reference, frozenset())


def drop_two_labels(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Drops every copy of a content that is filed under two labels: nobody can say which one is right."""
    labels_of: defaultdict[str, set[str]] = defaultdict(set)
    for photograph in photographs:
        labels_of[photograph.sha256].add(photograph.label)
    return [photograph for photograph in photographs if len(labels_of[photograph.sha256]) == 1]


def drop_copies(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Keeps the first photograph of each content, after joining the groups that share a content."""
    seen: set[str] = set()
    kept = []
    for photograph in join_groups(photographs, _links(photographs)):
        if photograph.sha256 not in seen:
            seen.add(photograph.sha256)
            kept.append(photograph)
    return kept


def _links(photographs: Sequence[Photograph]) -> Iterator[tuple[str, str]]:
    """Gives groups that a common content links, and each group with its id, where only one source states the group."""
    first_with: dict[str, str] = {}
    for photograph in photographs:
        yield photograph.group, photograph.image_id
        yield photograph.group, first_with.setdefault(photograph.sha256, photograph.group)


def join_groups(photographs: Sequence[Photograph], links: Iterable[tuple[str, str]]) -> list[Photograph]:
    """Makes groups one group that links join, at any remove.

    Args:
        photographs: With the groups that are known.
        links: Pairs of groups that are one.

    Returns:
        The photographs in their order; a joined group bears the name of its first in the alphabet, of those that are
        no photograph's id.
    """
    ids = {photograph.image_id for photograph in photographs}
    joined_to: dict[str, str] = {}

    def name_of(group: str) -> str:
        while group in joined_to:
            group = joined_to[group]
        return group

    for pair in links:
        first, second = sorted(map(name_of, pair), key=lambda name: (name in ids, name))
        if first != second:
            joined_to[second] = first
    return [replace(photograph, group=name_of(photograph.group)) for photograph in photographs]
