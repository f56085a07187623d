"""Photographs of other hospitals for the evaluation of a training: read and compared with its data set, never used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import near_others
from melanoma.datasets.grouping import GROUP_PREFIX
from melanoma.datasets.label_subclasses import nearest_class
from melanoma.datasets.label_tables import Columns, is_table, read_label_rows
from melanoma.datasets.photographs import Photograph, every_file
from melanoma.datasets.reading import read_sources
from melanoma.datasets.splits import Dataset, Part
from melanoma.errors import DataError
from melanoma.evaluation.inputs.external_labels import ExternalColumns, source_names, source_of_file
from melanoma.evaluation.inputs.training_set import TrainingSet


@dataclass(frozen=True)
class ExternalSet:
    """The photographs of one source, with labels that the network can answer.

    Attributes:
        source: Name of the source.
        part: Photographs with their truth and groups, none of them in the data set.
        data: What was left out, as `matching.match` accounts for it.
    """

    source: str
    part: Part
    data: Mapping[str, Any]


@dataclass(frozen=True)
class ExternalFiles:
    """Where the external photographs are.

    Attributes:
        uris: Tables, and folders of class folders.
        roots: Folders of the photographs that tables list.
        columns: Columns of the tables.
    """

    uris: Sequence[str]
    roots: Sequence[str]
    columns: ExternalColumns


def read_external_sets(
    files: ExternalFiles, dataset: Dataset, labels: Sequence[str] = (), trained_on: TrainingSet | None = None
) -> list[ExternalSet]:
    """Reads external photographs, without those that the data set shares by bytes, name, appearance or lesion.

    Args:
        files: Where they are.
        dataset: Everything that is trained on, validated with and tested with.
        labels: Slugs of the classes in the order of the network's outputs; empty for those of the data set.
        trained_on: Further photographs that the network knows.

    Raises:
        DataError: The photographs cannot be read, or none of a source is left.
        UsageError: Columns or roots of a table are missing.
    """
    found = [(source, one) for uri in files.uris for source, one in _of_one_file(uri, files)]
    photographs = [photograph for _, photograph in found]
    hashes, unreadable = hash_photographs(photographs, turned=True)
    known = hash_photographs(every_file(dataset.photographs).files).hashes
    near = near_others(hashes, known)
    alike = [one.image_id for one, is_near in zip(photographs, near, strict=True) if is_near]
    seen = _training_set(dataset, trained_on, alike)
    sets = []
    for source in dict.fromkeys(name for name, _ in found):
        members = [index for index, (name, _) in enumerate(found) if name == source]
        readable = [photographs[index] for index in members if index not in unreadable]
        sets.append(_external_set(source, readable, len(members), seen, labels or dataset.labels))
    return sets


def _of_one_file(uri: str, files: ExternalFiles) -> list[tuple[str, Photograph]]:
    """Returns each photograph of a table or folder with its source."""
    names = files.columns
    columns = Columns(names.image_id, names.label, names.group)
    photographs = read_sources([uri], columns, files.roots if is_table(uri) else ()).photographs
    if not names.source or not is_table(uri):
        return [(source_of_file(uri), photograph) for photograph in photographs]
    stated = {row.image_id: row.group for row in read_label_rows(uri, replace(columns, group=names.source))}
    return list(zip(source_names([stated[one.image_id] for one in photographs]), photographs, strict=True))


def _training_set(dataset: Dataset, more: TrainingSet | None, alike: Sequence[str]) -> TrainingSet:
    photographs, more = dataset.photographs, more or TrainingSet((), frozenset(), frozenset(), frozenset())
    return TrainingSet(
        uris=("the data set", *more.uris),
        image_ids=more.image_ids | {one.image_id for one in photographs},
        groups=more.groups | {one.group.removeprefix(GROUP_PREFIX) for one in photographs},
        sha256=more.sha256 | {one.sha256 for one in photographs},
        alike=frozenset(alike),
        searched=True,
    )


def _external_set(
    source: str, photographs: Sequence[Photograph], labelled: int, seen: TrainingSet, labels: Sequence[str]
) -> ExternalSet:
    shared = [seen.shares(one.image_id, one.sha256, one.group.removeprefix(GROUP_PREFIX)) for one in photographs]
    unseen = [photograph for photograph, basis in zip(photographs, shared, strict=True) if not basis]
    classes = {one.label: nearest_class(one.label, labels) for one in unseen}
    judged = [one for one in unseen if classes[one.label] in labels]
    if not judged:
        raise DataError(
            f"--external: no photograph of {source} is left: {len(photographs) - len(unseen)} of {labelled} are in the "
            f"data set too, and {len(unseen)} have classes that the network does not learn; give other photographs"
        )
    truth = np.array([labels.index(classes[one.label]) for one in judged], np.int64)
    finer = Counter((one.label, classes[one.label]) for one in judged if one.label != classes[one.label])
    data = {
        "labelled": labelled,
        "judged": len(judged),
        "labels_of_failed": labelled - len(photographs),
        "photographs_trained_on": len(photographs) - len(unseen),
        "photographs_trained_on_by": dict(Counter(filter(None, shared)).most_common()),
        "near_duplicates_searched": True,
        "trained_on": list(seen.uris),
        "classes_unknown_to_model": dict(
            Counter(label for one in unseen if classes[label := one.label] not in labels).most_common()
        ),
        "classes_without_label": [label for index, label in enumerate(labels) if index not in truth],
        "labels_counted_as": [{"label": stated, "as": counted, "n": n} for (stated, counted), n in finer.most_common()],
    }
    return ExternalSet(source, Part(judged, truth, [one.group for one in judged]), data)
