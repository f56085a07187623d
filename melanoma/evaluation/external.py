"""How good a model is on photographs of sources that its training has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.external_labels import ExternalLabels
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.table_predictions import TablePredictions
from melanoma.evaluation.inputs.training_set import TrainingSet
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import balanced_accuracy
from melanoma.evaluation.report import Report

_LARGE = ("curves", "challenge", "confusion", "subgroups")
# What a bundle repeats of where the photographs went: no addresses of files.
_KEPT = ("labels_sha256", "group_column", "photographs_trained_on", "photographs_trained_on_by", "labelled", "judged")
_KEPT_CLASSES = ("classes_unknown_to_model", "classes_without_label", "labels_counted_as", "labels_of_failed")


def evaluate_sources(
    table: TablePredictions, external: Sequence[ExternalLabels], training_set: TrainingSet | None, seed: int
) -> list[dict[str, Any]]:
    """Evaluates a model in a score table on each external source.

    Args:
        table: The predictions.
        external: Labels of each source.
        training_set: What the model was trained on, with its test part, which is not external.
        seed: Seed of the bootstrap.

    Returns:
        See `evaluate_source`.

    Raises:
        DataError: No photograph of a source is left.
    """
    parts = []
    for one in external:
        matched = match(table, one.ground_truth, training_set)
        searched = bool(training_set and training_set.searched)
        data = {**matched.accounting, "near_duplicates_searched": searched}
        parts.append(evaluate_source(one.source, matched.predictions, data, seed))
    return parts


def evaluate_source(source: str, predictions: Predictions, data: Report, seed: int) -> dict[str, Any]:
    """Evaluates predictions for the photographs of one source.

    A class that no label names has no figure and is in no mean. An answer of such a class counts as wrong, because the
    label says what the photograph shows; how often that happens is stated, and the balanced accuracy without these.

    Args:
        source: Name of the source.
        predictions: For its photographs.
        data: Where its photographs and labels went, as `matching.match` accounts for them.
        seed: Seed of the bootstrap.

    Returns:
        JSON values: `source`, `answers_not_asked`, `balanced_accuracy_asked`, `data`, and everything that
        `evaluate.evaluate` returns.
    """
    asked = predictions.where((predictions.counts() > 0)[predictions.top])
    metric = {"": balanced_accuracy(asked.truth, asked.top, asked.evaluated())}
    return {
        "source": source,
        **evaluate(predictions, seed),
        "answers_not_asked": predictions.n - asked.n,
        "balanced_accuracy_asked": bootstrap.estimates(metric, np.asarray(asked.groups), seed)[""],
        "data": dict(data),
    }


def for_bundle(part: Report) -> dict[str, Any]:
    """Returns an external part as `bundle.json` holds it: without curves, and without addresses of files."""
    kept = (*_KEPT, *_KEPT_CLASSES, "near_duplicates_searched", "trained_on")
    data = {name: part["data"][name] for name in kept if name in part["data"]}
    data["trained_on"] = bool(data["trained_on"])
    return {**{name: value for name, value in part.items() if name not in _LARGE}, "data": data}
