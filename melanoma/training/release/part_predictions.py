"""What a nightly run would decide about the photographs of one part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from melanoma.datasets.splits import Part
from melanoma.evaluation.inputs.predictions import Classes, Names, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import balanced_accuracy
from melanoma.model.decision import ModelOutput, Rule, decide


def predictions_of(
    rule: Rule, part: Part, output: ModelOutput, subgroups: Mapping[str, Names] | None = None
) -> Predictions:
    """Returns what a nightly run would decide.

    Args:
        rule: Labels, prior, decision rule and thresholds.
        part: The photographs.
        output: The network's outputs for them.
        subgroups: Text (photographs,) by column; None for no subgroups.
    """
    decision = decide(rule, output)
    return Predictions(
        rule.slugs,
        part.truth,
        output.probabilities,
        decision.top_index,
        np.asarray(part.groups),
        decision.flag_melanoma,
        decision.review,
        subgroups or {},
    )


def balanced_accuracy_over(labels: Sequence[int], part: Part, top: Classes, seed: int) -> dict[str, Any] | None:
    """Returns the balanced accuracy of predicted classes over those of the given labels that occur in a part.

    Args:
        labels: Indices of the labels to compare over.
        part: Photographs with their truth and groups.
        top: int64 predicted class of each photograph, shape (photographs,).
        seed: Bootstrap seed.

    Returns:
        JSON values value, low, high and n; None where it cannot be measured.
    """
    evaluated = sorted(set(labels) & set(part.truth.tolist()))
    metric = {"": balanced_accuracy(part.truth, top, evaluated)}
    return bootstrap.estimates(metric, np.asarray(part.groups), seed)[""]
