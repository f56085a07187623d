"""The same metrics within subgroups, for example of age, sex or body site."""

from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS, Mask, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import balanced_accuracy
from melanoma.evaluation.metrics.ranking import auc

MIN_SUBGROUP = 50


def evaluate_subgroups(predictions: Predictions, seed: int) -> dict[str, dict[str, Any]]:
    """Evaluates every subgroup with at least 50 photographs.

    Returns:
        JSON values by column and subgroup: n, groups, melanomas, evaluated (classes with at least 10 photographs in the
        subgroup), balanced_accuracy over these, and melanoma_auc, which needs 10 melanomas and 10 others. A metric
        without enough photographs is None.
    """
    return {
        name: {str(value): _evaluate_subgroup(predictions, values == value, seed) for value in np.unique(values)}
        for name, values in predictions.subgroups.items()
    }


def _evaluate_subgroup(predictions: Predictions, members: Mask, seed: int) -> dict[str, Any]:
    part = predictions.where(members)
    evaluated = part.evaluated() if part.n >= MIN_SUBGROUP else []
    metrics = {"balanced_accuracy": balanced_accuracy(part.truth, part.top, evaluated)}
    melanomas = 0
    if (index := part.melanoma) is not None:
        positive = part.truth == index
        melanomas = int(positive.sum())
        if part.n >= MIN_SUBGROUP and min(melanomas, part.n - melanomas) >= MIN_TEST_PHOTOGRAPHS:
            metrics["melanoma_auc"] = auc(positive, part.probabilities[:, index])
    return {
        "n": part.n,
        "groups": len(np.unique(part.groups)),
        "melanomas": melanomas,
        "evaluated": [part.slugs[label] for label in evaluated],
        "melanoma_auc": None,
        **bootstrap.estimates(metrics, part.groups, seed),
    }
