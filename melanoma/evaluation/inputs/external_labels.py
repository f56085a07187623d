"""Labels of external photographs: from hospitals, cameras or collections that training has not seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.evaluation.inputs.ground_truth import GroundTruth, ImageLabel, LabelColumns, read_ground_truth

MIN_SOURCE = 50  # a source with fewer photographs is pooled with others of its table
OTHER_SOURCES = "other sources"


@dataclass(frozen=True)
class ExternalColumns:
    """Names of the columns of external labels.

    Attributes:
        image_id: See `LabelColumns`.
        label: Likewise.
        group: Likewise.
        source: Column of the hospital, camera or collection; None if a table has one source, named like its file.
    """

    image_id: str | None = None
    label: str | None = None
    group: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class ExternalLabels:
    """The labels of one source.

    Attributes:
        source: Its name.
        ground_truth: Its labels.
    """

    source: str
    ground_truth: GroundTruth


def read_external(uris: Sequence[str], columns: ExternalColumns) -> list[ExternalLabels]:
    """Reads label files and divides each by source.

    Raises:
        UsageError: A file cannot be used, lacks a column, or two sources have the same name.
        DataError: A file has no label.
        NothingCommittedError: The store does not answer.
    """
    found = [one for uri in uris for one in _sources_of(uri, columns)]
    if twice := [name for name, count in Counter(one.source for one in found).items() if count > 1]:
        raise UsageError(f"--external: {twice[0]!r} names two sources; rename a file, or name the sources in a column")
    return found


def source_of_file(uri: str) -> str:
    """Returns the name of a source that is a whole table or folder."""
    return storage.stem_of(storage.canonical(uri).rstrip("/"))


def source_names(stated: Sequence[str]) -> list[str]:
    """Returns the source of each photograph; sources with fewer than 50 photographs are `other sources`."""
    counts = Counter(stated)
    return [name if name and counts[name] >= MIN_SOURCE else OTHER_SOURCES for name in stated]


def _sources_of(uri: str, columns: ExternalColumns) -> list[ExternalLabels]:
    by = (columns.source,) if columns.source else ()
    read = LabelColumns(columns.image_id, columns.label, columns.group, by)
    truth = read_ground_truth(uri, read, option="--external")
    if not by:
        return [ExternalLabels(source_of_file(uri), truth)]
    names = source_names([label.by[0] for label in truth.by_id.values()])
    truth = replace(truth, columns=replace(truth.columns, by=()))
    labels: dict[str, dict[str, ImageLabel]] = {}
    for (image_id, label), name in zip(truth.by_id.items(), names, strict=True):
        labels.setdefault(name, {})[image_id] = replace(label, by=())
    return [ExternalLabels(name, replace(truth, by_id=by_id)) for name, by_id in labels.items()]
