"""Totals of an evaluation or comparison that add up: where every photograph and every label went."""

from melanoma.datasets.coverage import LARGE_SHARE
from melanoma.evaluation.report import Report


def photograph_totals(data: Report) -> str:
    """Returns where every scored photograph of an evaluation went, as one sentence; the numbers add up."""
    return (
        f"{data['photographs']:,} scored photographs: {data['judged']:,} evaluated, "
        f"{data['photographs_trained_on']:,} left out because the model was trained on them or on others of their "
        f"lesions or patients, {sum(data['classes_unknown_to_model'].values()):,} of classes that the model does not "
        f"know, {data['photographs_without_label']:,} without a label."
    )


def label_totals(data: Report) -> str:
    """Returns where every label of an evaluation went, as one sentence; the numbers add up."""
    scored = data["photographs"] - data["photographs_without_label"]
    return (
        f"{data['labelled']:,} labelled photographs: {scored:,} scored, "
        f"{data['labels_of_failed'] + data['labels_of_ambiguous']:,} failed or ambiguous, "
        f"{data['labels_without_photograph']:,} not in the score table."
    )


def comparison_totals(judged: Report) -> str:
    """Returns where every photograph and label of a comparison went; empty for reports of earlier versions."""
    data = judged["data"]
    if "photographs" not in data:
        return ""
    return (
        f"{data['photographs']:,} photographs that both sides scored: {judged['n']:,} evaluated, "
        f"{data['photographs_trained_on']:,} left out because a model was trained on them or on others of their "
        f"lesions or patients, {sum(judged['labels_not_known_to_both'].values()):,} of classes that not both models "
        "know, "
        f"{data['photographs_without_label']:,} without a label. Of {data['labelled']:,} labels, "
        f"{data['labels_without_photograph']:,} belong to photographs that not both sides scored."
    )


def left_out_warning(data: Report) -> str:
    """Returns a sentence if a large share of the photographs or labels is not evaluated, else an empty one.

    Args:
        data: The `data` of an evaluation, or of the judged part of a comparison.
    """
    counts = {"scored photographs": data.get("photographs", 0), "labelled photographs": data.get("labelled", 0)}
    missing = [
        f"{count - data['judged']:,} of {count:,} {name}"
        for name, count in counts.items()
        if count and (count - data["judged"]) / count >= LARGE_SHARE
    ]
    if not missing:
        return ""
    return (
        f"WARNING: {' and '.join(missing)} are not evaluated. The results are about the other {data['judged']:,} only."
    )
