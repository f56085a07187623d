"""Groups of photographs, one per lesion or patient: gives them distinct names, and joins those that belong together."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from melanoma.datasets.photographs import Photograph

GROUP_PREFIX = "group "  # starts the names of groups that could be mistaken for the id of a photograph


def distinct_groups(image_ids: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Returns group names that cannot be mistaken for the id of a photograph.

    Some tables name a lesion after one of its photographs. A photograph without a group is a group of its own, named by
    its id, so such a lesion needs another name.

    Args:
        image_ids: Id of each photograph.
        groups: Stated group of each photograph, empty where none is stated.

    Returns:
        The stated groups, all with `GROUP_PREFIX` if one of them is the id of another photograph.
    """
    known = set(image_ids)
    if any(group in known and group != image_id for image_id, group in zip(image_ids, groups, strict=True)):
        return [group and f"{GROUP_PREFIX}{group}" for group in groups]
    return list(groups)


def join_groups(photographs: Sequence[Photograph], links: Iterable[tuple[str, str]]) -> list[Photograph]:
    """Joins groups that are linked, directly or through other groups.

    Args:
        photographs: Photographs with their groups.
        links: Pairs of groups that belong together.

    Returns:
        The photographs in their order. A joined group takes the alphabetically first name of its members, preferring
        names that are not the id of a photograph.
    """
    image_ids = {photograph.image_id for photograph in photographs}
    joined_to: dict[str, str] = {}

    def joined_name(group: str) -> str:
        """Returns the name of the group that a group has been joined to."""
        while group in joined_to:
            group = joined_to[group]
        return group

    for pair in links:
        first, second = sorted(map(joined_name, pair), key=lambda name: (name in image_ids, name))
        if first != second:
            joined_to[second] = first
    return [replace(photograph, group=joined_name(photograph.group)) for photograph in photographs]
