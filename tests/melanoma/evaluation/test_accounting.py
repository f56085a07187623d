"""Where photographs and labels went, as sentences: what happened is stated, what did not happen is not."""

import pytest

from melanoma.evaluation.accounting import comparison_accounting, evaluation_accounting
from tests.helpers.predictions import accounting

ALWAYS = 5


def test_a_complete_evaluation_states_only_its_sources() -> None:
    sentences = evaluation_accounting(accounting())
    assert len(sentences) == ALWAYS
    assert sentences[0] == "Model m-1 in s3://scores, version 4."
    assert sentences[1] == "Labels in labels.csv, SHA-256 0123456789ab…"
    assert "4,000 of 5,000 scored photographs have a label" in sentences[2]
    assert "same lesion were kept together" in sentences[3]
    assert "0 labelled photographs are left out" in sentences[4] and "split.csv" in sentences[4]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"photographs_without_label": 1_000}, "1,000 scored photographs have no label."),
        (
            {"photographs_failed": 3, "labels_of_failed": 2},
            "3 photographs failed and have no probabilities; 2 of them have a label.",
        ),
        ({"older_rows": 8}, "8 rows are left out, because newer rows of the same photographs replace them."),
        (
            {"ambiguous_ids": 6, "labels_of_ambiguous": 5},
            "6 ids are shared by photographs of different content and are left out; 5 of them have a label.",
        ),
        ({"labels_without_photograph": 9}, "9 labels have no scored photograph."),
        ({"labels_contradictory": 2}, "2 ids have several different labels and are left out."),
        ({"label_rows_repeated": 4}, "4 rows of the labels repeat an earlier row."),
        ({"label_rows_blank": 7}, "7 rows of the labels have no id or no label."),
        (
            {"classes_without_label": ["scar", "nevus"]},
            "Classes of the model without any label: scar, melanocytic nevus. Their sensitivity cannot be measured.",
        ),
        (
            {"classes_unknown_to_model": {"scar": 20, "wart": 1}},
            "21 labelled photographs are left out, because the model does not know their class: scar (20), wart (1). "
            "The model is wrong on all of them, so the results here are too good.",
        ),
    ],
)
def test_whatever_is_left_out_adds_one_sentence(change: dict, expected: str) -> None:
    sentences = evaluation_accounting(accounting(**change))
    assert len(sentences) == ALWAYS + 1
    assert expected in sentences


def test_what_was_not_given_is_stated() -> None:
    sentences = evaluation_accounting(accounting(trained_on=[], group_column=None))
    assert len(sentences) == ALWAYS
    assert any(sentence.startswith("No group column was given") for sentence in sentences)
    assert any("--trained-on" in sentence and "too good" in sentence for sentence in sentences)
    assert not any("kept together" in sentence for sentence in sentences)


def test_a_comparison_without_labels_states_what_one_side_lacks() -> None:
    report = {"only_old": 0, "only_new": 0, "other_bytes": 0, "judged": None}
    assert comparison_accounting(report) == []
    assert comparison_accounting({**report, "only_old": 1_149, "other_bytes": 2}) == [
        "1,149 photographs are in the old table only and are left out.",
        "2 ids have different contents in the two tables and are left out.",
    ]
    assert comparison_accounting({**report, "only_new": 3}) == [
        "3 photographs are in the new table only and are left out."
    ]


@pytest.mark.parametrize("group", ["lesion", None])
@pytest.mark.parametrize("trained_on", [[], ["split.csv"]])
@pytest.mark.parametrize("unknown", [{}, {"scar": 12}])
def test_a_comparison_with_labels_states_where_they_come_from(
    group: str | None, trained_on: list[str], unknown: dict
) -> None:
    data = {
        "labels": "labels.csv",
        "labels_sha256": "ab" * 32,
        "group_column": group,
        "trained_on": trained_on,
        "photographs_trained_on": 31,
    }
    judged = {"n": 1_234, "labels_not_known_to_both": unknown, "data": data}
    text = " ".join(comparison_accounting({"only_old": 0, "only_new": 0, "other_bytes": 0, "judged": judged}))
    assert "Labels in labels.csv, SHA-256 abababababab…; 1,234 photographs are evaluated." in text
    assert ("scar (12)" in text) is bool(unknown)
    assert ("31 labelled photographs are left out" in text) is bool(trained_on)
    assert ("--trained-on" in text) is not bool(trained_on)
    assert ("No group column was given" in text) is (group is None)
