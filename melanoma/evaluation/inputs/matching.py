"""Brings answers and labels together, and counts whatever does not meet."""

from collections import Counter
from typing import Any

import numpy as np

from melanoma.errors import DataError
from melanoma.evaluation.inputs.bins import banded
from melanoma.evaluation.inputs.ground_truth import Truths
from melanoma.evaluation.inputs.predictions import Classes, Predictions
from melanoma.evaluation.inputs.table_predictions import Answers
from melanoma.evaluation.inputs.training_set import Trained


def match(answers: Answers, truths: Truths, trained: Trained | None = None) -> tuple[Predictions, dict[str, Any]]:
    """Gives the photographs that have both an answer and a label of a class that the model knows.

    A photograph whose group the labels do not state is a group of its own.

    Args:
        answers: Of the model.
        truths: The labels.
        trained: What the model was trained on, which is left out; None where that is not known.

    Returns:
        The predictions, and JSON values that say where every photograph and every label went.

    Raises:
        DataError: There is none.
    """
    index_of = {slug: index for index, slug in enumerate(answers.slugs)}
    labelled = [place for place, image_id in enumerate(answers.image_ids) if image_id in truths.by_id]
    truth_at = {place: truths.by_id[answers.image_ids[place]] for place in labelled}
    fresh = [place for place in labelled if trained is None or not trained.knows(answers, place, truth_at[place])]
    judged = [place for place in fresh if truth_at[place].label in index_of]
    unknown = Counter(truth_at[place].label for place in fresh if truth_at[place].label not in index_of)
    if not judged:
        raise DataError(_nothing(answers, truths, len(labelled) - len(fresh), unknown))
    known = [truth_at[place] for place in judged]
    places = np.array(judged)
    predictions = Predictions(
        slugs=answers.slugs,
        truth=np.array([index_of[truth.label] for truth in known], np.int64),
        probabilities=answers.probabilities[places],
        top=answers.top[places],
        # A stated group never begins with this character.
        groups=np.array([truth_at[place].group or f"\N{NULL}{answers.image_ids[place]}" for place in judged]),
        flagged=None if answers.flagged is None else answers.flagged[places],
        review=None if answers.review is None else answers.review[places],
        subgroups={
            name: banded(name, [truth.by[column] for truth in known]) for column, name in enumerate(truths.columns.by)
        },
    )
    counted = _counted(answers, truths, predictions.truth, len(labelled), unknown)
    seen = {"trained_on": list(trained.uris) if trained else [], "photographs_trained_on": len(labelled) - len(fresh)}
    return predictions, {**counted, **seen}


def _counted(answers: Answers, truths: Truths, truth: Classes, labelled: int, unknown: Counter[str]) -> dict[str, Any]:
    failed, ambiguous = (sum(name in truths.by_id for name in ids) for ids in (answers.failed, answers.ambiguous))
    used = set(truth.tolist())
    return {
        "table": answers.table,
        "table_version": answers.version,
        "model_id": answers.model_id,
        "labels": truths.uri,
        "labels_sha256": truths.sha256,
        "group_column": truths.columns.group,
        "photographs": len(answers.image_ids),
        "photographs_without_label": len(answers.image_ids) - labelled,
        "photographs_failed": len(answers.failed),
        "older_rows": answers.superseded,
        "ambiguous_ids": len(answers.ambiguous),
        "labelled": len(truths.by_id),
        "labels_without_photograph": len(truths.by_id) - labelled - failed - ambiguous,
        "labels_of_failed": failed,
        "labels_of_ambiguous": ambiguous,
        "label_rows_blank": truths.blank,
        "label_rows_repeated": truths.repeated,
        "labels_contradictory": truths.contradictory,
        "classes_unknown_to_model": dict(unknown.most_common()),
        "classes_without_label": [slug for index, slug in enumerate(answers.slugs) if index not in used],
        "judged": len(truth),
    }


def _nothing(answers: Answers, truths: Truths, seen: int, unknown: Counter[str]) -> str:
    if unknown:
        return (
            f"{truths.uri}: its labels are {', '.join(unknown)}; {answers.model_id} knows none of them, only "
            f"{', '.join(answers.slugs)}"
        )
    if seen:
        return f"{truths.uri}: all {seen} labelled photographs took part in the training of {answers.model_id}"
    return (
        f"none of the {len(truths.by_id)} ids in {truths.uri} is an image_id of the {len(answers.image_ids)} "
        f"photographs that {answers.model_id} scored; image_id is the file's name without extension, "
        "or the manifest's id"
    )
