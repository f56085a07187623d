"""A reference: a table that knows photographs by their id, and is trusted more than the folder they lie in."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from melanoma.datasets.grouping import distinct_groups
from melanoma.datasets.image_ids import original_id
from melanoma.datasets.label_subclasses import includes
from melanoma.datasets.label_tables import Columns, read_label_rows
from melanoma.datasets.photographs import Photograph
from melanoma.errors import DataError
from melanoma.labels import slug_of

# HAM10000's akiec holds Bowen's disease, which the ISIC Archive files under squamous cell carcinoma.
_OVERLAPPING = {("actinic_keratosis", "squamous_cell_carcinoma")}


@dataclass(frozen=True)
class Reference:
    """Labels and groups by the id of a photograph.

    Attributes:
        label_of: Slug of the label by id.
        group_of: Lesion or patient by id, without the ids that have none.
    """

    label_of: Mapping[str, str]
    group_of: Mapping[str, str]

    def id_of(self, image_id: str) -> str:
        """Returns the reference's id for a photograph.

        This is the id itself where the reference has it; else the one id in the reference that has the same
        `original_id`; else the id unchanged.
        """
        if image_id in self.label_of:
            return image_id
        same = self._by_original_id.get(original_id(image_id), ())
        return same[0] if len(same) == 1 else image_id

    @cached_property
    def _by_original_id(self) -> Mapping[str, Sequence[str]]:
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.label_of:
            ids[original_id(name)].append(name)
        return ids


def read_reference(uri: str, columns: Columns) -> Reference:
    """Reads a table that knows photographs by their id.

    Raises:
        DataError: The table gives one id two labels or groups, or a label is empty.
        UsageError: The file is not a table, or lacks a column.
    """
    rows = list(dict.fromkeys(read_label_rows(uri, columns)))
    ids = [row.image_id for row in rows]
    if twice := [name for name, times in Counter(ids).items() if times > 1]:
        raise DataError(
            f"{uri}: {twice[0]} has two labels or groups (number of such ids: {len(twice)}); keep one row for each id"
        )
    slugs = {label: slug_of(label) for label in {row.label for row in rows}}
    groups = distinct_groups(ids, [row.group for row in rows])
    group_of = {image_id: group for image_id, group in zip(ids, groups, strict=True) if group}
    return Reference({row.image_id: slugs[row.label] for row in rows}, group_of)


def apply_reference(photographs: Sequence[Photograph], reference: Reference) -> list[Photograph]:
    """Drops photographs whose label the reference contradicts, and gives the rest the groups that it knows."""
    known = [(photograph, reference.id_of(photograph.image_id)) for photograph in photographs]
    return [
        replace(photograph, group=reference.group_of.get(name, photograph.group))
        for photograph, name in known
        if not contradicts(reference.label_of.get(name, photograph.label), photograph.label)
    ]


def contradicts(reference: str, label: str) -> bool:
    """Returns whether a label cannot be right if the reference label is; a coarse reference includes finer labels."""
    return reference != label and not includes(reference, label) and (reference, label) not in _OVERLAPPING


def contradict_each_other(first: str, second: str) -> bool:
    """Returns whether two labels cannot both be right, whichever of them is the coarser one."""
    return contradicts(first, second) and contradicts(second, first)
