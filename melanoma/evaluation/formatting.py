"""Figures and counts as words, the same on a terminal and on a page."""

from collections.abc import Mapping
from typing import Any

from melanoma.labels import name_of

NOT_COMPUTED = "–"
FIGURES = {
    "balanced_accuracy": ("balanced accuracy", "higher is better"),
    "accuracy": ("accuracy", "higher is better"),
    "melanoma_auc": ("melanoma AUC", "higher is better"),
    "melanoma_sensitivity": ("melanoma sensitivity", "higher is better"),
    "melanoma_specificity": ("melanoma specificity", "higher is better"),
    "flag_sensitivity": ("sensitivity of the melanoma flag", "higher is better"),
    "flag_specificity": ("specificity of the melanoma flag", "higher is better"),
    "calibration_error": ("calibration error", "lower is better"),
    "brier": ("Brier score", "lower is better"),
}


def number(figure: Mapping[str, float] | float | None) -> str:
    """Gives a figure with three decimals; a dash where it could not be computed."""
    if figure is None:
        return NOT_COMPUTED
    return f"{figure['value'] if isinstance(figure, Mapping) else figure:.3f}"


def interval(estimate: Mapping[str, float] | None) -> str:
    """Gives the interval of a figure and the photographs that it is based on."""
    if estimate is None:
        return "could not be computed"
    photographs = f"n = {estimate['n']:,.0f}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"95 %: {estimate['low']:.3f} to {estimate['high']:.3f}, {photographs}"


def with_interval(estimate: Mapping[str, float] | None) -> str:
    """Gives a figure with its interval in brackets."""
    if estimate is None:
        return NOT_COMPUTED
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def signed(difference: Mapping[str, float] | None) -> str:
    """Gives a difference with its sign and its interval in brackets."""
    if difference is None:
        return NOT_COMPUTED
    return f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"


def accounts(data: Mapping[str, Any]) -> list[str]:
    """Says where every photograph and every label went, a sentence each; what did not happen is left out.

    Args:
        data: As `matching.match` gives it.
    """
    sentences = [*_sources(data), *_classes(data), *_photographs(data), *_labels(data)]
    return [sentence for happened, sentence in sentences if happened]


def _sources(data: Mapping[str, Any]) -> list[tuple[object, str]]:
    trained, group = data["trained_on"], data["group_column"]
    return [
        (True, f"Model {data['model_id']} in {data['table']}, version {data['table_version']}."),
        (True, f"Labels in {data['labels']}, sha256 {data['labels_sha256'][:12]}…"),
        (True, f"{data['judged']:,} of {data['photographs']:,} scored photographs have a label and are judged."),
        (group, f"Photographs of one {group} were kept together in every resample."),
        (
            not group,
            "No group column was named: each photograph counts as a lesion of its own, and the intervals are too "
            "narrow if one lesion has several.",
        ),
        (
            trained,
            f"{data['photographs_trained_on']:,} labelled photographs are left out, for they, or others of their "
            f"lesions or patients, took part in the training by {', '.join(trained)}.",
        ),
        (not trained, "What the model was trained on was not named: any such photograph among these flatters it."),
    ]


def _classes(data: Mapping[str, Any]) -> list[tuple[object, str]]:
    unknown = data["classes_unknown_to_model"]
    lost = sum(unknown.values())
    names = ", ".join(f"{name_of(slug).lower()} ({count:,})" for slug, count in unknown.items())
    missing = ", ".join(name_of(slug).lower() for slug in data["classes_without_label"])
    return [
        (
            lost,
            f"{lost:,} labelled photographs are left out, for the model does not know their class: {names}. It has "
            "given each of them a wrong class, so that the figures here flatter it.",
        ),
        (missing, f"Classes of the model that no label bears: {missing}. Their sensitivity is not known."),
    ]


def _photographs(data: Mapping[str, Any]) -> list[tuple[object, str]]:
    failed, ambiguous = data["photographs_failed"], data["ambiguous_ids"]
    return [
        (data["photographs_without_label"], f"{data['photographs_without_label']:,} scored photographs have no label."),
        (
            failed,
            f"{failed:,} photographs failed and have no probabilities, {data['labels_of_failed']:,} of them labelled.",
        ),
        (data["older_rows"], f"{data['older_rows']:,} rows are left out, for newer ones of the same photographs."),
        (
            ambiguous,
            f"{ambiguous:,} ids name photographs of different contents, and so none for certain: these are left out, "
            f"{data['labels_of_ambiguous']:,} of them labelled.",
        ),
    ]


def _labels(data: Mapping[str, Any]) -> list[tuple[object, str]]:
    return [
        (data["labels_without_photograph"], f"{data['labels_without_photograph']:,} labels have no photograph."),
        (data["labels_contradictory"], f"{data['labels_contradictory']:,} ids bear several labels and are left out."),
        (data["label_rows_repeated"], f"{data['label_rows_repeated']:,} rows of the labels repeat another one."),
        (data["label_rows_blank"], f"{data['label_rows_blank']:,} rows of the labels have no id or no label."),
    ]
