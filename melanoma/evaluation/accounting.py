"""Where every photograph and every label of an evaluation or comparison went, as sentences."""

from typing import NamedTuple

from melanoma.evaluation.formatting import class_counts
from melanoma.evaluation.report import Report
from melanoma.labels import name_of


class _Sentence(NamedTuple):
    """A sentence, and the value of the report that it is about; without a value it is left out."""

    about: object
    text: str


def evaluation_accounting(data: Report) -> list[str]:
    """Returns sentences about an evaluation's photographs and labels; what did not happen is left out.

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
        _Sentence(only_old, f"{only_old:,} photographs are in the old table only and are left out."),
        _Sentence(only_new, f"{only_new:,} photographs are in the new table only and are left out."),
        _Sentence(other_bytes, f"{other_bytes:,} ids have different contents in the two tables and are left out."),
    ]
    return _stated([*sentences, *(_judged(report["judged"]) if report["judged"] else [])])


def _stated(sentences: list[_Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences if sentence.about]


def _sources(data: Report) -> list[_Sentence]:
    trained_on, group = data["trained_on"], data["group_column"]
    return [
        _Sentence(True, f"Model {data['model_id']} in {data['table']}, version {data['table_version']}."),
        _Sentence(True, f"Labels in {data['labels']}, SHA-256 {data['labels_sha256'][:12]}…"),
        _Sentence(
            True, f"{data['judged']:,} of {data['photographs']:,} scored photographs have a label and are evaluated."
        ),
        _Sentence(group, f"Photographs with the same {group} were kept together in every resample."),
        _Sentence(
            not group,
            "No group column was given: each photograph counts as a lesion of its own, and the intervals are too "
            "narrow if some lesions have several photographs.",
        ),
        _Sentence(
            trained_on,
            f"{data['photographs_trained_on']:,} labelled photographs are left out, because the model was trained on "
            f"them or on others of their lesions or patients, according to {', '.join(trained_on)}.",
        ),
        _Sentence(
            not trained_on,
            "The model's training photographs were not given (--trained-on): if some are among these, the results are "
            "too good.",
        ),
    ]


def _classes(data: Report) -> list[_Sentence]:
    unknown = data["classes_unknown_to_model"]
    count = sum(unknown.values())
    unlabelled = ", ".join(name_of(slug).lower() for slug in data["classes_without_label"])
    return [
        _Sentence(
            count,
            f"{count:,} labelled photographs are left out, because the model does not know their class: "
            f"{class_counts(unknown)}. The model is wrong on all of them, so the results here are too good.",
        ),
        _Sentence(
            unlabelled, f"Classes of the model without any label: {unlabelled}. Their sensitivity cannot be measured."
        ),
    ]


def _photographs(data: Report) -> list[_Sentence]:
    unlabelled, older = data["photographs_without_label"], data["older_rows"]
    failed, ambiguous = data["photographs_failed"], data["ambiguous_ids"]
    return [
        _Sentence(unlabelled, f"{unlabelled:,} scored photographs have no label."),
        _Sentence(
            failed,
            f"{failed:,} photographs failed and have no probabilities; {data['labels_of_failed']:,} of them have a "
            "label.",
        ),
        _Sentence(older, f"{older:,} rows are left out, because newer rows of the same photographs replace them."),
        _Sentence(
            ambiguous,
            f"{ambiguous:,} ids are shared by photographs of different content and are left out; "
            f"{data['labels_of_ambiguous']:,} of them have a label.",
        ),
    ]


def _labels(data: Report) -> list[_Sentence]:
    unscored, contradictory = data["labels_without_photograph"], data["labels_contradictory"]
    repeated, blank = data["label_rows_repeated"], data["label_rows_blank"]
    return [
        _Sentence(unscored, f"{unscored:,} labels have no scored photograph."),
        _Sentence(contradictory, f"{contradictory:,} ids have several different labels and are left out."),
        _Sentence(repeated, f"{repeated:,} rows of the labels repeat an earlier row."),
        _Sentence(blank, f"{blank:,} rows of the labels have no id or no label."),
    ]


def _judged(judged: Report) -> list[_Sentence]:
    unknown, data = judged["labels_not_known_to_both"], judged["data"]
    return [
        _Sentence(
            True,
            f"Labels in {data['labels']}, SHA-256 {data['labels_sha256'][:12]}…; {judged['n']:,} photographs are "
            "evaluated.",
        ),
        _Sentence(
            unknown, f"Labels of classes that only one or neither model knows are left out: {class_counts(unknown)}."
        ),
        _Sentence(
            data["trained_on"],
            f"{data['photographs_trained_on']:,} labelled photographs are left out, because a model was trained on "
            "them or on others of their lesions or patients.",
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
