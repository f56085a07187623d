"""The ground truth of an evaluation: a CSV or Parquet file with one labelled photograph per row."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from melanoma.datasets.label_formats import StatedLabel, layout_of
from melanoma.datasets.label_subclasses import nearest_class
from melanoma.errors import DataError, UsageError
from melanoma.evaluation.inputs.column_files import read_header, read_texts
from melanoma.evaluation.inputs.labelled_folders import is_folder, read_labelled_folder
from melanoma.images.decoding import IMAGE_EXTENSIONS
from melanoma.labels import slug_of
from melanoma.storage import stem_of

_FILE_ENDINGS = tuple(IMAGE_EXTENSIONS)


@dataclass(frozen=True)
class LabelColumns:
    """Names of the columns of a label file.

    Attributes:
        image_id: Column of the photograph's id, as in the score table's `image_id`; None if the format of a known
            collection says it, see `datasets.label_formats`.
        label: Column of its class, in any form that `labels.slug_of` accepts; None likewise.
        group: Column of its lesion or patient; None if the file has none, or its format says it.
        by: Columns that divide the photographs into subgroups.
    """

    image_id: str | None = None
    label: str | None = None
    group: str | None = None
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageLabel:
    """The label of one photograph.

    Attributes:
        slug: Its class.
        group: Its lesion or patient; empty if the file does not state one.
        by: Values of the subgroup columns, in their order; empty text where the file has no value.
        finer: Slug of the label that was stated, where `slug` is a class that includes it; else empty.
    """

    slug: str
    group: str
    by: tuple[str, ...]
    finer: str = ""


@dataclass(frozen=True)
class GroundTruth:
    """The labels of a file.

    Attributes:
        uri: Where the file is.
        sha256: SHA-256 of the file's bytes, hex.
        columns: The columns that were read; `group` names those of a known collection, too.
        by_id: The label of each photograph, by its id.
        blank: Number of rows without an id or a label.
        repeated: Number of rows that repeat the id and label of an earlier row.
        contradictory: Number of ids with several different labels; they are not in `by_id`.
    """

    uri: str
    sha256: str
    columns: LabelColumns
    by_id: Mapping[str, ImageLabel] = field(repr=False)
    blank: int
    repeated: int
    contradictory: int


def read_ground_truth(uri: str, columns: LabelColumns, option: str = "--labels") -> GroundTruth:
    """Reads a label file, or a folder with one subfolder per class.

    Args:
        uri: A CSV with a header, or Parquet, or a folder.
        columns: The columns to read; none can be named for a folder.
        option: The command-line option that names the labels, for error messages.

    Raises:
        UsageError: There is no such file, it is neither CSV nor Parquet, or it lacks a column; or columns of a folder
            are named.
        DataError: No row has both an id and a label, or the folder's classes are not clear.
        NothingCommittedError: The store does not answer.
    """
    if is_folder(uri):
        if columns != LabelColumns():
            raise UsageError(f"{option} {uri}: a folder has no columns; leave out --id-column and the like, and --by")
        folder = read_labelled_folder(uri)
        return _collect(uri, folder.sha256, columns, _labels(folder.rows, [()] * len(folder.rows)))
    header = read_header(option, uri)
    layout = layout_of(header, f"{option} {uri}", columns.image_id, columns.label, columns.group)
    file = read_texts(option, uri, list(dict.fromkeys([*layout.columns(), *columns.by])))
    columns = replace(columns, group=" or ".join(layout.groups) or None)
    stated = layout.read(file.columns, uri)
    values = zip(*(file.columns[name] for name in columns.by), strict=True) if columns.by else [()] * len(stated)
    return _collect(uri, file.sha256, columns, _labels(stated, values))


def _collect(uri: str, sha256: str, columns: LabelColumns, rows: Iterable[tuple[str, ImageLabel]]) -> GroundTruth:
    """Returns the labels by id, and counts rows that are blank, repeated or contradictory."""
    found: dict[str, ImageLabel] = {}
    contradictory: set[str] = set()
    blank = repeated = 0
    for image_id, label in rows:
        if not (image_id and label.slug):
            blank += 1
        elif image_id not in found:
            found[image_id] = label
        elif found[image_id].slug == label.slug:
            repeated += 1
            found[image_id] = replace(found[image_id], group=found[image_id].group or label.group)
        else:
            contradictory.add(image_id)
    if not found:
        raise DataError(f"{uri}: no row has both an id and a label; expected one row per photograph")
    by_id = {image_id: label for image_id, label in found.items() if image_id not in contradictory}
    return GroundTruth(uri, sha256, columns, by_id, blank, repeated, len(contradictory))


def with_known_classes(ground_truth: GroundTruth, known: Collection[str]) -> GroundTruth:
    """Counts each label that no class in `known` is as the nearest one that includes it, if there is one.

    So a solar lentigo is a benign keratosis for a model that was asked about benign keratoses.
    """
    nearest = {slug: nearest_class(slug, known) for slug in {label.slug for label in ground_truth.by_id.values()}}
    by_id = {
        image_id: label if (slug := nearest[label.slug]) == label.slug else replace(label, slug=slug, finer=label.slug)
        for image_id, label in ground_truth.by_id.items()
    }
    return replace(ground_truth, by_id=by_id)


def with_names_of_files(ground_truth: GroundTruth, image_ids: Collection[str]) -> GroundTruth:
    """Names photographs as a score table does where the labels name their files: `archive/a.jpg` as `a`.

    A name that the table has, or that two files of the labels share, stays as it is.

    Args:
        ground_truth: The labels.
        image_ids: Ids of the score table.
    """
    known = set(image_ids)
    files = [name for name in ground_truth.by_id if name not in known and name.lower().endswith(_FILE_ENDINGS)]
    taken = Counter(stem_of(name) for name in files)
    named = {name: stem for name in files if taken[stem := stem_of(name)] == 1 and stem not in ground_truth.by_id}
    return replace(ground_truth, by_id={named.get(name, name): label for name, label in ground_truth.by_id.items()})


def with_other_class(ground_truth: GroundTruth, slugs: Sequence[str]) -> GroundTruth:
    """Counts all labels of other classes as `not_x` for a model of the two classes `not_x` and `x`.

    Args:
        ground_truth: The labels.
        slugs: The classes that the model knows, in any order.

    Returns:
        The labels; those given for any other model.
    """
    other = next((slug for slug in slugs if slug.removeprefix("not_") in slugs and slug.startswith("not_")), "")
    if len(slugs) != 2 or not other:
        return ground_truth
    by_id = {
        image_id: label if label.slug in slugs else replace(label, slug=other)
        for image_id, label in ground_truth.by_id.items()
    }
    return replace(ground_truth, by_id=by_id)


def _labels(stated: Sequence[StatedLabel], values: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ImageLabel]]:
    """Yields the id and the label of each row; the slug is empty where the row has no label."""
    slugs = {label: slug_of(label) if label else "" for label in {row.label for row in stated}}
    for row, cells in zip(stated, values, strict=True):
        yield row.image_id, ImageLabel(slugs[row.label], row.group, cells)
