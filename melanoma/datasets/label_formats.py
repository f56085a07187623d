"""Label tables of public collections, known by their column names; docs/models/training.md lists them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from melanoma.errors import DataError, UsageError
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.labels import slugify, stated_group
from melanoma.storage import stem_of
from melanoma.storage.tables import columns_in_words

_ONE_HOT = ("MEL", "NV", "BCC", "AK", "AKIEC", "BKL", "DF", "VASC", "SCC", "UNK")
_PAD = {"ack": "actinic keratosis", "nev": "nevus", "sek": "seborrheic keratosis"}
_ISIC = {"solar or actinic keratosis": "actinic keratosis"}
_ISIC_GROUPS = ("melanoma", "nevus", "basal cell carcinoma", "squamous cell carcinoma")


def _same(label: str) -> str:
    return label


def _isic_class(label: str) -> str:
    """Returns the class of a diagnosis such as `Melanoma in situ` or `Melanoma, NOS`."""
    plain = slugify(label).replace("_", " ")
    return next((group for group in _ISIC_GROUPS if plain.startswith(group)), _ISIC.get(plain, label))


def _derm7pt_class(label: str) -> str:
    """Returns the class of a diagnosis such as `melanoma (in situ)` or `clark nevus`."""
    if label.lower().startswith("melanoma"):
        return "melanoma"
    return "nevus" if label.lower().endswith("nevus") else label


@dataclass(frozen=True)
class _Format:
    """A table of a public collection.

    Attributes:
        name: Its name, for people.
        image_id: Column of the photograph.
        labels: Column of the class, or the columns of which one holds 1.
        groups: Columns of the lesion and patient, where the table has them.
        class_of: From the table's word for a class to one that `labels.slug_of` knows.
        needs: Columns by which the table is known.
    """

    name: str
    image_id: str
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    class_of: Callable[[str], str]
    needs: tuple[str, ...]


_FORMATS = (
    _Format("ISIC Archive", "isic_id", ("diagnosis_3",), ("patient_id", "lesion_id"), _isic_class, ("diagnosis_3",)),
    _Format(
        "PAD-UFES-20",
        "img_id",
        ("diagnostic",),
        ("patient_id", "lesion_id"),
        lambda label: _PAD.get(label.lower(), label),
        ("diagnostic",),
    ),
    _Format("Derm7pt", "derm", ("diagnosis",), ("case_num",), _derm7pt_class, ("clinic", "diagnosis")),
    _Format("HAM10000", "image_id", ("dx",), ("lesion_id",), _same, ("dx",)),
    *(
        _Format(
            "ISIC challenge (a column for each class)",
            image_id,
            _ONE_HOT,
            ("patient_id", "lesion_id"),
            lambda label: {"UNK": "unknown"}.get(label, label),
            ("MEL", "NV"),
        )
        for image_id in ("image", "image_id", "isic_id")
    ),
)


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
    """

    image_id: str
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    class_of: Callable[[str], str] = _same
    format: str = ""

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
        stated = _one_hot(text, self.labels, uri) if len(self.labels) > 1 else text[self.labels[0]]
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
    found = next((one for one in _FORMATS if {one.image_id, *one.needs} <= set(header)), None)
    if found is None:
        known = ", ".join(dict.fromkeys(one.name for one in _FORMATS))
        raise UsageError(
            f"{uri}: expected the columns of a known table ({known}), or --id-column and --label-column; "
            f"{columns_in_words(header)}"
        )
    groups = named or tuple(column for column in found.groups if column in header)
    labels = tuple(column for column in found.labels if column in header)
    if label:
        return Layout(image_id or found.image_id, (label,), groups, format=found.name)
    return Layout(image_id or found.image_id, labels, groups, found.class_of, found.name)


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


def _one_hot(text: Mapping[str, Sequence[str]], columns: Sequence[str], uri: str) -> list[str]:
    """Returns the column that holds 1 in each row, empty where none does."""
    try:
        values = [[float(cell.replace(",", ".") or 0) for cell in text[column]] for column in columns]
    except ValueError:
        values = [[-1.0]]
    if any(value not in (0.0, 1.0) for column in values for value in column):
        raise DataError(
            f"{uri}: columns {', '.join(columns)} hold other values than 0 and 1; expected one 1 in each row"
        )
    rows = list(zip(*values, strict=True))
    if several := sum(sum(row) > 1 for row in rows):
        raise DataError(
            f"{uri}: {several} of {len(rows)} rows have 1 in several of the columns {', '.join(columns)}; expected one "
            "class for each photograph, correct or remove these rows"
        )
    return [columns[row.index(1.0)] if 1.0 in row else "" for row in rows]
