"""A split that was made before, and photographs that follow it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from melanoma.datasets.grouping import GROUP_PREFIX
from melanoma.datasets.label_tables import read_columns
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import PARTS
from melanoma.errors import DataError
from melanoma.labels import stated_group


@dataclass(frozen=True)
class ExistingSplit:
    """Parts of an existing split.

    Attributes:
        by_id: Part by image_id.
        by_group: Part by lesion or patient.
        by_content: Part by SHA-256 of the file.
    """

    by_id: Mapping[str, str] = field(default_factory=dict)
    by_group: Mapping[str, str] = field(default_factory=dict)
    by_content: Mapping[str, str] = field(default_factory=dict)

    def part_of(self, photograph: Photograph, stated: str) -> str:
        """Returns the part of a photograph, empty if neither the split nor its folder states one.

        Args:
            photograph: With its group, which may have been joined with others.
            stated: Its group before that, as its source states it.
        """
        return (
            self.by_id.get(photograph.image_id)
            or self.by_content.get(photograph.sha256)
            or self.by_group.get(stated)
            or self.by_group.get(stated.removeprefix(GROUP_PREFIX))
            or self.by_group.get(photograph.group)
            or photograph.part
        )


def read_split(uri: str) -> ExistingSplit:
    """Reads the parts of a split from a file such as `Dataset.to_csv` writes.

    Args:
        uri: CSV or Parquet table with the columns image_id, group, part and, optionally, sha256.

    Raises:
        DataError: The file cannot be read, a row has no id or no part, an id, group or file is in two parts, or a part
            is not train, validation or test.
        UsageError: The file is not a table, or lacks a column.
    """
    text = read_columns(uri, ["image_id", "group", "part"], optional=["sha256"])
    parts, ids = text["part"], text["image_id"]
    if empty := sum(not (part and image_id) for part, image_id in zip(parts, ids, strict=True)):
        raise DataError(f"{uri}: {empty} of {len(parts)} rows have no image_id or no part; fill them in or remove them")
    if unknown := sorted(set(parts) - set(PARTS)):
        raise DataError(f"{uri}: column part has {', '.join(map(repr, unknown))}; expected {', '.join(PARTS)}")
    groups = map(stated_group, text["group"])
    digests = map(stated_group, text.get("sha256", [""] * len(parts)))
    return ExistingSplit(*(_one_part_each(uri, zip(names, parts, strict=True)) for names in (ids, groups, digests)))


def _one_part_each(uri: str, rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the part by name; rows without a name are left out."""
    part_of: dict[str, str] = {}
    for name, part in rows:
        if name and part_of.setdefault(name, part) != part:
            raise DataError(f"{uri}: {name} is in {part_of[name]} and in {part}; this split leaks, make a new one")
    return part_of


def follow_split(
    photographs: Sequence[Photograph], existing: ExistingSplit, stated_groups: Sequence[str] | None = None
) -> npt.NDArray[np.str_]:
    """Assigns photographs to the parts of an existing split, together with all others of their groups.

    Args:
        photographs: Photographs to be split, with the groups that have to stay together.
        existing: The split to follow.
        stated_groups: Lesion or patient of each photograph as its source states it, if groups have been joined since.
            Where the existing split separates photographs that only look alike, each stays where that split has it.

    Returns:
        Array (photographs,) with the part of each photograph, empty where the existing split does not list it.

    Raises:
        DataError: The existing split, or the folders, have photographs of one stated group in two parts.
    """
    stated = [photograph.group for photograph in photographs] if stated_groups is None else stated_groups
    own = [existing.part_of(photograph, group) for photograph, group in zip(photographs, stated, strict=True)]
    part_of_group: dict[str, str] = {}
    for photograph, group, part in zip(photographs, stated, own, strict=True):
        # Files in folders may share a name, which the search for leaks reports; a lesion that a table states is one.
        is_stated = group != photograph.image_id or not photograph.part
        if part and part_of_group.setdefault(group, part) != part and is_stated:
            raise DataError(
                f"group {group} is in {part_of_group[group]} and in {part} of the existing split; "
                "this split leaks, make a new one"
            )
    part_of_joined: dict[str, str] = {}
    for photograph, part in zip(photographs, own, strict=True):
        if part:
            part_of_joined.setdefault(photograph.group, part)
    parts = [
        part or part_of_group.get(group) or part_of_joined.get(photograph.group, "")
        for photograph, group, part in zip(photographs, stated, own, strict=True)
    ]
    return np.array(parts, "<U10")
