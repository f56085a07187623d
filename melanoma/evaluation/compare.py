"""Which of two models is better on the same labelled photographs, and whether the new one should replace the old."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.ground_truth import Truths
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.predictions import MELANOMA, Predictions
from melanoma.evaluation.inputs.table_predictions import Answers
from melanoma.evaluation.inputs.training_set import Trained
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import accuracy, balanced_accuracy
from melanoma.evaluation.metrics.agreement import Pair, agreement
from melanoma.evaluation.metrics.bootstrap import Measure, share
from melanoma.evaluation.metrics.calibration import binned, brier, calibration_error
from melanoma.evaluation.metrics.ranking import auc
from melanoma.evaluation.promotion_rule import verdict

FORMAT = 1


def compare(found: Pair, truths: Truths | None, trained: Trained | None, seed: int) -> dict[str, Any]:
    """Compares two answers: with labels which one is better, without them how far they lie apart.

    Args:
        found: The photographs that both scored.
        truths: Their labels; None where there are none.
        trained: What either model was trained on, which is not judged.
        seed: Of the resampling.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means.

    Raises:
        DataError: None of the photographs has a label that both models know.
    """
    return {
        "format": FORMAT,
        "old": _described(found.old),
        "new": _described(found.new),
        "labels": list(found.common),
        "only_old": found.only_old,
        "only_new": found.only_new,
        "other_bytes": found.other_bytes,
        "agreement": agreement(found),
        "judged": None if truths is None else _judged(found, truths, trained, seed),
    }


def _described(answers: Answers) -> dict[str, Any]:
    return {"table": answers.table, "table_version": answers.version, "model_id": answers.model_id}


def _judged(found: Pair, truths: Truths, trained: Trained | None, seed: int) -> dict[str, Any]:
    """Judges both on the photographs whose class both know; on others one of them could not be right."""
    labels = {image_id: truths.by_id[image_id].label for image_id in found.old.image_ids if image_id in truths.by_id}
    left_out = Counter(label for label in labels.values() if label not in found.common)
    fair = replace(truths, by_id={i: truth for i, truth in truths.by_id.items() if truth.label in found.common})
    old, data = match(found.old, fair, trained)
    new, _ = match(found.new, fair, trained)
    kept = ("labels", "labels_sha256", "group_column", "trained_on", "photographs_trained_on")
    result = judge(old, new, seed)
    return {
        **result,
        "labels_not_known_to_both": dict(left_out.most_common()),
        "data": {name: data[name] for name in kept},
        "verdict": verdict(result["figures"], MELANOMA in found.common),
    }


def judge(old: Predictions, new: Predictions, seed: int) -> dict[str, Any]:
    """Judges two answers to the same photographs, in the same order, with the same classes.

    Returns:
        JSON values: n, groups, evaluated, figures and by_label (each with old, new and their difference, new less
        old), and mcnemar.
    """
    evaluated = old.evaluated()
    measures = {
        f"{side} {name}": measure
        for side, predictions in (("old", old), ("new", new))
        for name, measure in _measures(predictions, evaluated).items()
    }
    samples = bootstrap.draw(measures, old.groups, seed)
    both = {name.removeprefix("new ") for name in measures if name.startswith("new ")}
    rows = {
        name: {
            "old": bootstrap.spelt(samples[f"old {name}"]),
            "new": bootstrap.spelt(samples[f"new {name}"]),
            "difference": bootstrap.spelt(bootstrap.difference(samples[f"new {name}"], samples[f"old {name}"])),
        }
        for name in _measures(old, evaluated)
        if name in both
    }
    counts = old.counts()
    return {
        "n": old.n,
        "groups": len(np.unique(old.groups)),
        "evaluated": [old.slugs[index] for index in evaluated],
        "resamples": bootstrap.RESAMPLES,
        "seed": seed,
        "figures": {name: row for name, row in rows.items() if not name.startswith("recall ")},
        "by_label": {
            old.slugs[index]: {"n": int(counts[index]), **rows[f"recall {old.slugs[index]}"]} for index in evaluated
        },
        "mcnemar": mcnemar(old, new),
    }


def _measures(predictions: Predictions, evaluated: list[int]) -> dict[str, Measure]:
    truth, top = predictions.truth, predictions.top
    p = predictions.probabilities.astype(np.float64)
    likeliest = binned(p.max(axis=1), p.argmax(axis=1) == truth)
    measures = {
        "balanced_accuracy": balanced_accuracy(truth, top, evaluated),
        "accuracy": accuracy(truth, top),
        "calibration_error": calibration_error(likeliest),
        "brier": brier(predictions),
    }
    if (index := predictions.melanoma) is not None and index in evaluated:
        positive = truth == index
        measures["melanoma_auc"] = auc(positive, p[:, index])
        measures["melanoma_sensitivity"] = share(top == index, positive)
        measures["melanoma_specificity"] = share(top != index, ~positive)
        if predictions.flagged is not None:
            measures["flag_sensitivity"] = share(predictions.flagged, positive)
            measures["flag_specificity"] = share(~predictions.flagged, ~positive)
    recalls = {f"recall {predictions.slugs[i]}": share(top == i, truth == i) for i in evaluated}
    return {**measures, **recalls}


def mcnemar(old: Predictions, new: Predictions) -> Mapping[str, float | int]:
    """Tests whether both are right equally often, on the photographs that only one of them gets right.

    McNemar: "Note on the sampling error of the difference between correlated proportions", Psychometrika 12, 1947; the
    exact binomial test, two-sided, each photograph by itself.

    Returns:
        JSON values: only_old_right, only_new_right and p.
    """
    old_right, new_right = old.top == old.truth, new.top == new.truth
    only_old, only_new = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum())
    return {"only_old_right": only_old, "only_new_right": only_new, "p": binomial_p(only_old, only_new)}


def binomial_p(one: int, other: int) -> float:
    """Gives the two-sided p of so uneven a split, or a more uneven one, where both sides are as likely; 0 to 1."""
    n = one + other
    log_half = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2)
        for i in range(min(one, other) + 1)
    ]
    return min(1.0, 2 * sum(map(math.exp, log_half)))
