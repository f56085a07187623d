"""Sentences that account for every photograph and every label of an evaluation or comparison."""

from typing import NamedTuple

from melanoma.evaluation.formatting import class_counts, model_in
from melanoma.evaluation.report import Report
from melanoma.evaluation.totals import comparison_totals, label_totals, photograph_totals
from melanoma.labels import name_of


class _Sentence(NamedTuple):
    """A sentence, and the value of the report that it is about; without a value it is left out."""

    about: object
    text: str


def evaluation_accounting(data: Report) -> list[str]:
    """Returns sentences about an evaluation's photographs and labels, without those that do not apply.

    Args:
        data: The `data` of the report, as `matching.match` returns it.
    """
    return _stated([*_sources(data), *_classes(data), *_photographs(data), *_labels(data)])


def comparison_accounting(report: Report) -> list[str]:
    """Returns sentences about the photographs and labels that were left out of a comparison.

    Args:
        report: As `compare.compare` returns it.
    """
    only_old, only_new, other_bytes = (report[name] for name in ("only_old", "only_new", "other_bytes"))
    sentences = [
        _Sentence(only_old, f"Photographs in the old table only, left out: {only_old:,}."),
        _Sentence(only_new, f"Photographs in the new table only, left out: {only_new:,}."),
        _Sentence(other_bytes, f"Ids with different contents in the two tables, left out: {other_bytes:,}."),
    ]
    return _stated([*sentences, *(_judged(report["judged"]) if report["judged"] else [])])


def _stated(sentences: list[_Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences if sentence.about]


def _sources(data: Report) -> list[_Sentence]:
    trained_on, group = data["trained_on"], data["group_column"]
    return [
        _Sentence(True, f"Model {model_in(data)} in {data['table']}, version {data['table_version']}."),
        _Sentence(True, f"Labels in {data['labels']}, SHA-256 {data['labels_sha256'][:12]}…"),
        _Sentence(True, photograph_totals(data)),
        _Sentence(True, label_totals(data)),
        _Sentence(group, f"Photographs with the same {group} were kept together in every resample."),
        _Sentence(
            not group,
            "No group column was given: each photograph counts as a lesion of its own, and the intervals are too "
            "narrow if some lesions have several photographs.",
        ),
        _Sentence(
            trained_on,
            "Labelled photographs that the model was trained on, or others of their lesions or patients, left out: "
            f"{data['photographs_trained_on']:,}, according to {', '.join(trained_on)}.",
        ),
        _Sentence(
            not trained_on,
            "The model's training photographs were not given (--trained-on): if some are among these, the results are "
            "too optimistic.",
        ),
    ]


def _finer(data: Report) -> _Sentence:
    """Returns what finer labels count as; reports of earlier versions have none."""
    finer = data.get("labels_counted_as", [])
    counts = ", ".join(f"{one['n']:,} {name_of(one['label']).lower()} as {name_of(one['as']).lower()}" for one in finer)
    return _Sentence(finer, f"Labels finer than the model's classes count as the class that includes them: {counts}.")


def _classes(data: Report) -> list[_Sentence]:
    unknown = data["classes_unknown_to_model"]
    count = sum(unknown.values())
    unlabelled = ", ".join(name_of(slug).lower() for slug in data["classes_without_label"])
    return [
        _finer(data),
        _Sentence(
            count,
            f"Labelled photographs of classes that the model does not know, left out: {count:,}, "
            f"{class_counts(unknown)}. The results say nothing about them: the model always answers one of its own "
            "classes.",
        ),
        _Sentence(
            unlabelled, f"Classes of the model without any label: {unlabelled}. Their sensitivity cannot be measured."
        ),
    ]


def _photographs(data: Report) -> list[_Sentence]:
    unlabelled, older = data["photographs_without_label"], data["older_rows"]
    failed, ambiguous = data["photographs_failed"], data["ambiguous_ids"]
    return [
        _Sentence(unlabelled, f"Scored photographs without a label: {unlabelled:,}."),
        _Sentence(
            failed,
            f"Failed photographs, which have no probabilities: {failed:,}, with a label: {data['labels_of_failed']:,}.",
        ),
        _Sentence(older, f"Rows replaced by newer rows of the same photographs: {older:,}."),
        _Sentence(
            ambiguous,
            f"Ids shared by photographs of different content, left out: {ambiguous:,}, with a label: "
            f"{data['labels_of_ambiguous']:,}.",
        ),
    ]


def _labels(data: Report) -> list[_Sentence]:
    unscored, contradictory = data["labels_without_photograph"], data["labels_contradictory"]
    repeated, blank = data["label_rows_repeated"], data["label_rows_blank"]
    return [
        _Sentence(unscored, f"Labels without a scored photograph: {unscored:,}."),
        _Sentence(contradictory, f"Ids with several different labels, left out: {contradictory:,}."),
        _Sentence(repeated, f"Rows of the labels that repeat an earlier row: {repeated:,}."),
        _Sentence(blank, f"Rows of the labels without an id or a label: {blank:,}."),
    ]


def _judged(judged: Report) -> list[_Sentence]:
    unknown, data = judged["labels_not_known_to_both"], judged["data"]
    return [
        _Sentence(
            True,
            f"Labels in {data['labels']}, SHA-256 {data['labels_sha256'][:12]}…; {judged['n']:,} photographs are "
            "evaluated.",
        ),
        *([_Sentence(True, totals)] if (totals := comparison_totals(judged)) else []),
        _finer(data),
        _Sentence(
            unknown, f"Labels of classes that only one or neither model knows are left out: {class_counts(unknown)}."
        ),
        _Sentence(
            data["trained_on"],
            "Labelled photographs that a model was trained on, or others of their lesions or patients, left out: "
            f"{data['photographs_trained_on']:,}.",
        ),
        _Sentence(
            not data["trained_on"],
            "The models' training photographs were not given (--trained-on): the comparison favours the model that was "
            "trained on more of these.",
        ),
        _Sentence(
            not data["group_column"], "No group column was given: each photograph counts as a lesion of its own."
        ),
    ]
