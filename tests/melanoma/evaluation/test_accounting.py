"""Sentences that account for photographs and labels; those that do not apply are left out."""

import pytest

from melanoma.evaluation.accounting import comparison_accounting, evaluation_accounting
from tests.helpers.predictions import accounting

ALWAYS = 6


def test_a_complete_evaluation_states_only_its_sources() -> None:
    sentences = evaluation_accounting(accounting())
    assert len(sentences) == ALWAYS
    assert sentences[0] == "Model m-1 in s3://scores, version 4."
    assert sentences[1] == "Labels in labels.csv, SHA-256 0123456789ab…"
    assert sentences[2].startswith(
        "4,000 scored photographs: 4,000 evaluated, 0 left out because the model was trained"
    )
    assert sentences[3].startswith(
        "4,000 labelled photographs: 4,000 scored, 0 failed or ambiguous, 0 not in the score"
    )
    assert "same lesion were kept together" in sentences[4]
    assert "left out: 0, according to split.csv." in sentences[5]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"photographs_without_label": 1_000}, "Scored photographs without a label: 1,000."),
        (
            {"photographs_failed": 3, "labels_of_failed": 2},
            "Failed photographs, which have no probabilities: 3, with a label: 2.",
        ),
        ({"older_rows": 8}, "Rows replaced by newer rows of the same photographs: 8."),
        (
            {"ambiguous_ids": 6, "labels_of_ambiguous": 5},
            "Ids shared by photographs of different content, left out: 6, with a label: 5.",
        ),
        ({"labels_without_photograph": 9}, "Labels without a scored photograph: 9."),
        ({"labels_contradictory": 2}, "Ids with several different labels, left out: 2."),
        ({"label_rows_repeated": 4}, "Rows of the labels that repeat an earlier row: 4."),
        ({"label_rows_blank": 7}, "Rows of the labels without an id or a label: 7."),
        (
            {"classes_without_label": ["scar", "nevus"]},
            "Classes of the model without any label: scar, melanocytic nevus. Their sensitivity cannot be measured.",
        ),
        (
            {"labels_counted_as": [{"label": "solar_lentigo", "as": "benign_keratosis", "n": 1200}]},
            "Labels finer than the model's classes count as the class that includes them: 1,200 solar lentigo as "
            "benign keratosis.",
        ),
        (
            {"classes_unknown_to_model": {"scar": 20, "wart": 1}},
            "Labelled photographs of classes that the model does not know, left out: 21, scar (20), wart (1). "
            "The results say nothing about them: the model always answers one of its own classes.",
        ),
    ],
)
def test_everything_left_out_adds_one_sentence(change: dict, expected: str) -> None:
    sentences = evaluation_accounting(accounting(**change))
    assert len(sentences) == ALWAYS + 1
    assert expected in sentences


def test_what_was_not_given_is_stated() -> None:
    sentences = evaluation_accounting(accounting(trained_on=[], group_column=None))
    assert len(sentences) == ALWAYS
    assert any(sentence.startswith("No group column was given") for sentence in sentences)
    assert any("--trained-on" in sentence and "too optimistic" in sentence for sentence in sentences)
    assert not any("kept together" in sentence for sentence in sentences)


def test_a_comparison_without_labels_states_what_one_side_lacks() -> None:
    report = {"only_old": 0, "only_new": 0, "other_bytes": 0, "judged": None}
    assert comparison_accounting(report) == []
    assert comparison_accounting({**report, "only_old": 1_149, "other_bytes": 2}) == [
        "Photographs in the old table only, left out: 1,149.",
        "Ids with different contents in the two tables, left out: 2.",
    ]
    assert comparison_accounting({**report, "only_new": 3}) == ["Photographs in the new table only, left out: 3."]


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
    assert ("patients, left out: 31." in text) is bool(trained_on)
    assert ("--trained-on" in text) is not bool(trained_on)
    assert ("No group column was given" in text) is (group is None)
