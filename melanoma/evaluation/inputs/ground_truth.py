"""The labels that a model is judged by: a CSV or Parquet file with a row for each photograph."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from melanoma.errors import DataError
from melanoma.evaluation.inputs.column_files import read_texts
from melanoma.labels import slug_of, stated_group


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a label file.

    Attributes:
        image_id: The photograph's id, as in the score table's `image_id`.
        label: Its class, in any spelling that `labels.slug_of` takes.
        group: Its lesion or patient; None where the file knows none.
        by: What to tell subgroups by.
    """

    image_id: str
    label: str
    group: str | None = None
    by: tuple[str, ...] = ()

    def all(self) -> list[str]:
        """Every column once."""
        return list(dict.fromkeys([self.image_id, self.label, *([self.group] if self.group else []), *self.by]))


@dataclass(frozen=True)
class Truth:
    """What is known of one photograph.

    Attributes:
        label: Slug.
        group: Its lesion or patient; empty where none is stated.
        by: Values of the subgroup columns, in their order; empty where not stated.
    """

    label: str
    group: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Truths:
    """The labels of a file.

    Attributes:
        uri: Of the file.
        sha256: Of its bytes, hex.
        columns: That were read.
        by_id: What is known of each photograph, by its id.
        blank: Rows without id or label.
        repeated: Rows that say again what another one says.
        contradictory: Ids that rows give different labels; they are not in `by_id`.
    """

    uri: str
    sha256: str
    columns: Columns
    by_id: Mapping[str, Truth] = field(repr=False)
    blank: int
    repeated: int
    contradictory: int


def read_truths(uri: str, columns: Columns) -> Truths:
    """Reads labels.

    Args:
        uri: CSV with a header, or Parquet.
        columns: To read.

    Raises:
        UsageError: There is no such file, it is neither, or it lacks a column.
        DataError: It labels no photograph.
        NothingCommittedError: The store does not answer.
    """
    file = read_texts("--labels", uri, columns.all())
    texts, rows = file.columns, len(file.columns[columns.image_id])
    slugs = {label: slug_of(label) for label in set(texts[columns.label]) if label}
    groups = list(map(stated_group, texts[columns.group])) if columns.group else [""] * rows
    values = zip(*(texts[name] for name in columns.by), strict=True) if columns.by else [()] * rows
    found: dict[str, Truth] = {}
    contradictory: set[str] = set()
    blank = repeated = 0
    for image_id, label, group, by in zip(texts[columns.image_id], texts[columns.label], groups, values, strict=True):
        if not (image_id and label):
            blank += 1
        elif image_id not in found:
            found[image_id] = Truth(slugs[label], group, by)
        elif found[image_id].label == slugs[label]:
            repeated += 1
            found[image_id] = replace(found[image_id], group=found[image_id].group or group)
        else:
            contradictory.add(image_id)
    if not found:
        raise DataError(f"{uri}: no row has both an id and a label; expected one row for each photograph")
    clear = {image_id: truth for image_id, truth in found.items() if image_id not in contradictory}
    return Truths(uri, file.sha256, columns, clear, blank, repeated, len(contradictory))
