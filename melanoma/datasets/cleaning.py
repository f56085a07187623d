"""Removes photographs whose label cannot be trusted, and duplicates of the rest, before the data is split."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from melanoma.datasets.grouping import join_groups
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reference import Reference, apply_reference


class Step(NamedTuple):
    """One step of the cleaning.

    Attributes:
        what: What was removed, as text for people.
        dropped: Number of photographs that the step removed.
        left: Number of photographs after the step.
    """

    what: str
    dropped: int
    left: int


class Cleaned(NamedTuple):
    """Photographs after cleaning.

    Attributes:
        photographs: The photographs that are kept: each image once, with its group.
        steps: What each step removed.
    """

    photographs: list[Photograph]
    steps: list[Step]


def clean(photographs: Sequence[Photograph], reference: Reference | None) -> Cleaned:
    """Removes contradicted labels, identical images with conflicting labels, and duplicates, in this order.

    The reference comes first, because it knows which of two conflicting labels is right.
    """
    rules: list[tuple[str, Callable[[Sequence[Photograph]], list[Photograph]]]] = [
        ("identical images with conflicting labels", drop_conflicting_labels),
        ("further copies of an image", drop_copies),
    ]
    if reference is not None:
        rules.insert(0, ("label contradicted by the reference", partial(apply_reference, reference=reference)))
    left, steps = list(photographs), []
    for what, rule in rules:
        kept = rule(left)
        steps.append(Step(what, len(left) - len(kept), len(kept)))
        left = kept
    return Cleaned(left, steps)


def drop_conflicting_labels(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Drops every copy of an image that has two labels: it is unknown which one is right."""
    labels_of: defaultdict[str, set[str]] = defaultdict(set)
    for photograph in photographs:
        labels_of[photograph.sha256].add(photograph.label)
    return [photograph for photograph in photographs if len(labels_of[photograph.sha256]) == 1]


def drop_copies(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Keeps the first of identical images, after joining the groups of all of them."""
    seen: set[str] = set()
    kept = []
    for photograph in join_groups(photographs, _links(photographs)):
        if photograph.sha256 not in seen:
            seen.add(photograph.sha256)
            kept.append(photograph)
    return kept


def _links(photographs: Sequence[Photograph]) -> Iterator[tuple[str, str]]:
    """Yields groups that share an image, and each group with its id, in case a source states no group."""
    first_with: dict[str, str] = {}
    for photograph in photographs:
        yield photograph.group, photograph.image_id
        yield photograph.group, first_with.setdefault(photograph.sha256, photograph.group)
