"""Says which columns of a label table hold what; docs/models/training.md lists the known tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from melanoma.datasets.label_collections import KNOWN_TABLES, same
from melanoma.datasets.label_one_hot import read_one_hot
from melanoma.errors import UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.labels import stated_group
from melanoma.storage import stem_of
from melanoma.storage.tables import columns_in_words


class StatedLabel(NamedTuple):
    """What a row of a table states.

    Attributes:
        image_id: The photograph; empty if the row names none.
        label: Its class, in a form that `labels.slug_of` knows; empty if the row states none.
        group: Its lesion or patient; empty if the row states none.
    """

    image_id: str
    label: str
    group: str


@dataclass(frozen=True)
class Layout:
    """Which columns of a table hold what.

    Attributes:
        image_id: Column of the photograph.
        labels: Column of the class, or the columns of which one holds 1.
        groups: Columns of lesion and patient; rows that share either are one group.
        class_of: From the table's word for a class to one that `labels.slug_of` knows.
        format: Name of the collection's format; empty where the columns were named.
        otherwise: Class of a row in which no column of a class holds 1; empty for none.
    """

    image_id: str
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    class_of: Callable[[str], str] = same
    format: str = ""
    otherwise: str = ""

    @property
    def groups_are_patients(self) -> bool:
        """Whether a group may hold several lesions, because its rows share a patient."""
        return any("patient" in column.lower() for column in self.groups)

    def columns(self) -> list[str]:
        """Returns every column name once."""
        return list(dict.fromkeys([self.image_id, *self.labels, *self.groups]))

    def read(self, text: Mapping[str, Sequence[str]], uri: str) -> list[StatedLabel]:
        """Returns what each row states.

        Args:
            text: The columns, as text.
            uri: The table, for error messages.

        Raises:
            DataError: A row has several classes, or a value other than 0 and 1 in the column of a class.
        """
        ids = [_without_extension(name) if self.format else name for name in text[self.image_id]]
        stated: Sequence[str] = text[self.labels[0]]
        if len(self.labels) > 1:
            stated = [label or self.otherwise for label in read_one_hot(text, self.labels, uri)]
        groups = join_names([[stated_group(name) for name in text[column]] for column in self.groups], len(ids))
        classes = {label: self.class_of(label) if label else "" for label in set(stated)}
        return [StatedLabel(*row) for row in zip(ids, (classes[label] for label in stated), groups, strict=True)]


def layout_of(header: Sequence[str], uri: str, image_id: str | None, label: str | None, group: str | None) -> Layout:
    """Returns which columns hold what: those that are named, and those of a known format for the rest.

    Args:
        header: Column names of the table.
        uri: The table, for error messages.
        image_id: Column of the photograph; None for that of the format.
        label: Column of the class; None for that of the format.
        group: Column of the lesion or patient; None for those of the format if no column is named, else for none.

    Raises:
        UsageError: A column is not named, and the table is of no known format.
    """
    named = (group,) if group else ()
    if image_id and label:
        return Layout(image_id, (label,), named)
    found = next((one for one in KNOWN_TABLES if one.is_known_by(header)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(one.name for one in KNOWN_TABLES))
        raise UsageError(
            f"{uri}: expected the columns of a known table ({known}), or --id-column and --label-column; "
            f"{columns_in_words(header)}"
        )
    groups = named or tuple(column for column in found.groups if column in header)
    labels = tuple(column for column in found.labels if column in header)
    if label:
        return Layout(image_id or found.image_id, (label,), groups, format=found.name)
    return Layout(image_id or found.image_id, labels, groups, found.class_of, found.name, found.otherwise)


def join_names(columns: Sequence[Sequence[str]], rows: int) -> list[str]:
    """Returns one group for each row: rows that share a name in any column, directly or through others, are one.

    Args:
        columns: Names by row, empty where a row has none.
        rows: Number of rows.
    """
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    names = [[column[row] for column in columns if column[row]] for row in range(rows)]
    for together in names:
        for name in together[1:]:
            first, second = sorted((top(together[0]), top(name)))
            parent[second] = first
    return [top(together[0]) if together else "" for together in names]


def _without_extension(name: str) -> str:
    return stem_of(name) if name.lower().endswith(tuple(IMAGE_EXTENSIONS)) else name
