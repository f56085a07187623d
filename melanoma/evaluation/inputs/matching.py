"""Matches predictions with labels by image id, and accounts for every photograph and label without a match."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from melanoma.errors import DataError
from melanoma.evaluation.inputs.bins import bin_values
from melanoma.evaluation.inputs.ground_truth import (
    GroundTruth,
    ImageLabel,
    with_known_classes,
    with_names_of_files,
    with_other_class,
)
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.table_predictions import TablePredictions
from melanoma.evaluation.inputs.training_set import TrainingSet


@dataclass(frozen=True)
class Matched:
    """Predictions with their labels.

    Attributes:
        predictions: The photographs that have a prediction and a label of a class that the model knows.
        accounting: JSON values, the `data` of a report: where every photograph and every label went.
    """

    predictions: Predictions
    accounting: dict[str, Any]


class _Labelled(NamedTuple):
    """A photograph with a prediction and a label: its index in the table's predictions, and the label."""

    place: int
    label: ImageLabel


def match(table: TablePredictions, ground_truth: GroundTruth, training_set: TrainingSet | None = None) -> Matched:
    """Matches the predictions of a table with labels.

    A photograph whose group the labels do not state is a group of its own. A label finer than the model's classes
    counts as the class that includes it. For a model of `melanoma` and `not_melanoma`, every other class is
    `not_melanoma`.

    Args:
        table: The predictions.
        ground_truth: The labels.
        training_set: What the model was trained on; these photographs are left out. None if it is not known.

    Raises:
        DataError: No photograph is left.
    """
    ground_truth = with_names_of_files(ground_truth, table.image_ids)
    ground_truth = with_other_class(with_known_classes(ground_truth, table.slugs), table.slugs)
    labelled = [
        _Labelled(index, ground_truth.by_id[image_id])
        for index, image_id in enumerate(table.image_ids)
        if image_id in ground_truth.by_id
    ]
    shared = [_shared_with_training(table, one, training_set) for one in labelled]
    unseen = [one for one, basis in zip(labelled, shared, strict=True) if not basis]
    judged = [one for one in unseen if one.label.slug in table.slugs]
    unknown = Counter(one.label.slug for one in unseen if one.label.slug not in table.slugs)
    if not judged:
        raise DataError(_why_none(table, ground_truth, len(labelled) - len(unseen), unknown))
    predictions = _predictions(table, judged, ground_truth.columns.by)
    accounting = {
        **_account(table, ground_truth, predictions, len(labelled), unknown),
        "labels_counted_as": _counted_as(judged),
        "trained_on": list(training_set.uris) if training_set else [],
        "photographs_trained_on": len(labelled) - len(unseen),
        "photographs_trained_on_by": dict(Counter(filter(None, shared)).most_common()),
    }
    return Matched(predictions, accounting)


def _shared_with_training(table: TablePredictions, one: _Labelled, training_set: TrainingSet | None) -> str:
    if training_set is None:
        return ""
    return training_set.shares(table.image_ids[one.place], table.sha256[one.place], one.label.group)


def _counted_as(judged: Sequence[_Labelled]) -> list[dict[str, Any]]:
    """Returns how many labels of each finer class count as which class that includes it."""
    counts = Counter((one.label.finer, one.label.slug) for one in judged if one.label.finer)
    return [{"label": finer, "as": slug, "n": n} for (finer, slug), n in counts.most_common()]


def _predictions(table: TablePredictions, judged: Sequence[_Labelled], by: Sequence[str]) -> Predictions:
    class_of = {slug: index for index, slug in enumerate(table.slugs)}
    places = np.array([one.place for one in judged])
    return Predictions(
        slugs=table.slugs,
        truth=np.array([class_of[one.label.slug] for one in judged], np.int64),
        probabilities=table.probabilities[places],
        top=table.top[places],
        # A stated group never begins with this character, so an id cannot be mistaken for one.
        groups=np.array([one.label.group or f"\N{NULL}{table.image_ids[one.place]}" for one in judged]),
        flagged=None if table.flagged is None else table.flagged[places],
        review=None if table.review is None else table.review[places],
        subgroups={name: bin_values(name, [one.label.by[column] for one in judged]) for column, name in enumerate(by)},
    )


def _account(
    table: TablePredictions, ground_truth: GroundTruth, predictions: Predictions, labelled: int, unknown: Counter[str]
) -> dict[str, Any]:
    failed, ambiguous = (sum(name in ground_truth.by_id for name in ids) for ids in (table.failed, table.ambiguous))
    counts = predictions.counts()
    return {
        "table": table.table,
        "table_version": table.version,
        "model_id": table.model_id,
        "model_name": table.model_name,
        "labels": ground_truth.uri,
        "labels_sha256": ground_truth.sha256,
        "group_column": ground_truth.columns.group,
        "photographs": len(table.image_ids),
        "photographs_without_label": len(table.image_ids) - labelled,
        "photographs_failed": len(table.failed),
        "older_rows": table.superseded,
        "ambiguous_ids": len(table.ambiguous),
        "labelled": len(ground_truth.by_id),
        "labels_without_photograph": len(ground_truth.by_id) - labelled - failed - ambiguous,
        "labels_of_failed": failed,
        "labels_of_ambiguous": ambiguous,
        "label_rows_blank": ground_truth.blank,
        "label_rows_repeated": ground_truth.repeated,
        "labels_contradictory": ground_truth.contradictory,
        "classes_unknown_to_model": dict(unknown.most_common()),
        "classes_without_label": [slug for index, slug in enumerate(table.slugs) if not counts[index]],
        "judged": predictions.n,
    }


def _why_none(table: TablePredictions, ground_truth: GroundTruth, trained_on: int, unknown: Counter[str]) -> str:
    if unknown:
        return (
            f"{ground_truth.uri}: its labels are {', '.join(unknown)}; {table.model_id} knows only "
            f"{', '.join(table.slugs)}"
        )
    if trained_on:
        return (
            f"{ground_truth.uri}: {table.model_id} was trained on all {trained_on} labelled photographs, or on others "
            "of their lesions or patients"
        )
    return (
        f"none of the {len(ground_truth.by_id)} ids in {ground_truth.uri} is an image_id of the "
        f"{len(table.image_ids)} photographs that {table.model_id} scored; the image_id is the file name without "
        "extension, or the id in the manifest"
    )
