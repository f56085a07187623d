"""The same figures for the young and the old, men and women, one site and another."""

from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS, Mask, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import balanced_accuracy
from melanoma.evaluation.metrics.ranking import auc

MIN_SUBGROUP = 50


def evaluate_subgroups(predictions: Predictions, seed: int) -> dict[str, dict[str, Any]]:
    """Judges every subgroup that has at least 50 photographs.

    Returns:
        JSON values by name and subgroup: n, groups, melanomas, evaluated (labels with at least 10 photographs in the
        subgroup), balanced_accuracy over these, and melanoma_auc, which needs 10 melanomas and 10 others. What has too
        few photographs is None.
    """
    return {
        name: {str(value): _judged(predictions, values == value, seed) for value in np.unique(values)}
        for name, values in predictions.subgroups.items()
    }


def _judged(predictions: Predictions, members: Mask, seed: int) -> dict[str, Any]:
    part = predictions.where(members)
    evaluated = part.evaluated() if part.n >= MIN_SUBGROUP else []
    measures = {"balanced_accuracy": balanced_accuracy(part.truth, part.top, evaluated)}
    melanomas = 0
    if (index := part.melanoma) is not None:
        positive = part.truth == index
        melanomas = int(positive.sum())
        if part.n >= MIN_SUBGROUP and min(melanomas, part.n - melanomas) >= MIN_TEST_PHOTOGRAPHS:
            measures["melanoma_auc"] = auc(positive, part.probabilities[:, index])
    samples = bootstrap.draw(measures, part.groups, seed)
    figures = {"melanoma_auc": None, **{name: bootstrap.spelt(sample) for name, sample in samples.items()}}
    labels = [part.slugs[label] for label in evaluated]
    groups = len(np.unique(part.groups))
    return {"n": part.n, "groups": groups, "melanomas": melanomas, "evaluated": labels, **figures}
