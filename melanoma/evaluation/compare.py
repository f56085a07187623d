"""Which of two models is better on the same labelled photographs, and whether the new one should replace the old."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.ground_truth import (
    GroundTruth,
    with_known_classes,
    with_names_of_files,
    with_other_class,
)
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.pairing import PredictionPair
from melanoma.evaluation.inputs.predictions import MELANOMA, Predictions
from melanoma.evaluation.inputs.table_predictions import TablePredictions
from melanoma.evaluation.inputs.training_set import TrainingSet
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import accuracy, balanced_accuracy
from melanoma.evaluation.metrics.agreement import agreement
from melanoma.evaluation.metrics.bootstrap import Resampled
from melanoma.evaluation.metrics.calibration import brier, calibration_error, equal_mass_bins
from melanoma.evaluation.metrics.mcnemar import mcnemar
from melanoma.evaluation.metrics.metric import Metric, share
from melanoma.evaluation.metrics.ranking import auc
from melanoma.evaluation.promotion_rule import verdict

FORMAT = 1
_DATA = ("labels", "labels_sha256", "group_column", "trained_on", "photographs_trained_on", "labels_counted_as")


def compare(
    pair: PredictionPair, ground_truth: GroundTruth | None, training_set: TrainingSet | None, seed: int
) -> dict[str, Any]:
    """Compares two predictions: with labels which one is better, without labels how far they differ.

    Args:
        pair: The photographs that both sides have.
        ground_truth: Their labels; None if there are none.
        training_set: What either model was trained on; these photographs are not evaluated.
        seed: Seed of the bootstrap.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means.

    Raises:
        DataError: No photograph has a label of a class that both models know.
    """
    return {
        "format": FORMAT,
        "old": _source(pair.old),
        "new": _source(pair.new),
        "labels": list(pair.common),
        "only_old": pair.only_old,
        "only_new": pair.only_new,
        "other_bytes": pair.other_bytes,
        "agreement": agreement(pair),
        "judged": None if ground_truth is None else _judged(pair, ground_truth, training_set, seed),
    }


def _source(predictions: TablePredictions) -> dict[str, Any]:
    return {
        "table": predictions.table,
        "table_version": predictions.version,
        "model_id": predictions.model_id,
        "model_name": predictions.model_name,
    }


def _judged(
    pair: PredictionPair, ground_truth: GroundTruth, training_set: TrainingSet | None, seed: int
) -> dict[str, Any]:
    """Evaluates both sides on classes that both know; on a label of another class one side could not be right."""
    ground_truth = with_known_classes(with_names_of_files(ground_truth, pair.old.image_ids), pair.old.slugs)
    if set(pair.old.slugs) == set(pair.common):
        ground_truth = with_other_class(ground_truth, pair.common)
    labels = ground_truth.by_id
    slugs = [labels[image_id].slug for image_id in pair.old.image_ids if image_id in labels]
    left_out = Counter(slug for slug in slugs if slug not in pair.common)
    totals = {
        "photographs": len(pair.old.image_ids),
        "photographs_without_label": len(pair.old.image_ids) - len(slugs),
        "labelled": len(labels),
        "labels_without_photograph": len(labels) - len(slugs),
    }
    common = replace(ground_truth, by_id={i: label for i, label in labels.items() if label.slug in pair.common})
    old, new = match(pair.old, common, training_set), match(pair.new, common, training_set)
    result = compare_predictions(old.predictions, new.predictions, seed)
    return {
        **result,
        "labels_not_known_to_both": dict(left_out.most_common()),
        "data": {name: old.accounting[name] for name in _DATA} | totals | {"judged": result["n"]},
        "verdict": verdict(result["figures"], MELANOMA in pair.common),
    }


def compare_predictions(old: Predictions, new: Predictions, seed: int) -> dict[str, Any]:
    """Evaluates two predictions for the same photographs, in the same order, over the same classes.

    Returns:
        JSON values: n, groups, evaluated, resamples, seed, mcnemar; figures and by_label, each with old, new and their
        paired difference, new minus old.
    """
    evaluated = old.evaluated()
    metrics = {"old": _metrics(old, evaluated), "new": _metrics(new, evaluated)}
    resampled = bootstrap.resample(
        {f"{side} {name}": metric for side, named in metrics.items() for name, metric in named.items()},
        old.groups,
        seed,
    )
    rows = {name: _row(resampled, name) for name in metrics["old"] if name in metrics["new"]}
    counts = old.counts()
    return {
        "n": old.n,
        "groups": len(np.unique(old.groups)),
        "evaluated": [old.slugs[index] for index in evaluated],
        "resamples": bootstrap.RESAMPLES,
        "seed": seed,
        "figures": {name: row for name, row in rows.items() if not name.startswith("recall ")},
        "by_label": {
            slug: {"n": int(counts[index]), "evaluated": index in evaluated, **rows[f"recall {slug}"]}
            for index, slug in enumerate(old.slugs)
            if counts[index]
        },
        "mcnemar": mcnemar(old, new),
    }


def _row(resampled: Mapping[str, Resampled], name: str) -> dict[str, Any]:
    old, new = resampled[f"old {name}"], resampled[f"new {name}"]
    return {"old": old.to_json(), "new": new.to_json(), "difference": bootstrap.difference(new, old).to_json()}


def _metrics(predictions: Predictions, evaluated: list[int]) -> dict[str, Metric]:
    """Returns the metrics of one side; the recall of a class is named by its slug, as in `recall nevus`."""
    truth, top = predictions.truth, predictions.top
    p = predictions.probabilities.astype(np.float64)
    likeliest = equal_mass_bins(p.max(axis=1), p.argmax(axis=1) == truth)
    return {
        "balanced_accuracy": balanced_accuracy(truth, top, evaluated),
        "accuracy": accuracy(truth, top),
        "calibration_error": calibration_error(likeliest),
        "brier": brier(predictions),
        **_melanoma_metrics(predictions, evaluated),
        **{
            f"recall {slug}": share(top == index, truth == index)
            for index, slug in enumerate(predictions.slugs)
            if (truth == index).any()
        },
    }


def _melanoma_metrics(predictions: Predictions, evaluated: list[int]) -> dict[str, Metric]:
    index, flagged = predictions.melanoma, predictions.flagged
    if index is None or index not in evaluated:
        return {}
    positive, chosen = predictions.truth == index, predictions.top == index
    metrics = {
        "melanoma_auc": auc(positive, predictions.probabilities[:, index]),
        "melanoma_sensitivity": share(chosen, positive),
        "melanoma_specificity": share(~chosen, ~positive),
    }
    if flagged is not None:
        metrics["flag_sensitivity"] = share(flagged, positive)
        metrics["flag_specificity"] = share(~flagged, ~positive)
    return metrics
