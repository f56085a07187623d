"""Chapters about how far two predictions differ."""

from melanoma.evaluation.pages.agreement import agreement_chapters
from tests.helpers.html_reader import HtmlReader

AGREEMENT = {
    "n": 2_000,
    "identical": 1_500,
    "within_1e-5": 1_600,
    "largest_difference": 0.51234,
    "mean_difference": 0.0012345,
    "largest_by_label": {"melanoma": 0.51234, "nevus": 0.25},
    "same_top_label": 1_990,
    "kappa": 0.98765,
    "top_labels": {
        "melanoma": {"old": 100, "new": 92},
        "nevus": {"old": 1_900, "new": 1_900},
        "<b>": {"old": 0, "new": 8},
    },
    "flips": {"labels": ["melanoma", "nevus", "<b>"], "counts": [[91, 1, 8], [1, 1_899, 0], [0, 0, 0]]},
    "largest": [
        {
            "sha256": "0123456789abcdef",
            "label": "melanoma",
            "old": 0.9,
            "new": 0.38766,
            "old_top": "melanoma",
            "new_top": "nevus",
        }
    ],
}


def test_agreement_changes_and_the_largest_differences_are_chapters() -> None:
    found = HtmlReader("".join(agreement_chapters(AGREEMENT)))
    assert found.headings == [
        "How far the predictions differ",
        "Changes of the chosen class",
        "Photographs that changed most",
    ]
    assert "99.5%1,990 of 2,000." in found.text.replace("Same class chosen", "")
    assert "Cohen's kappa0.988" in found.text
    assert "Largest difference0.512" in found.text and "Mean 0.00123." in found.text
    assert "Identical1,500" in found.text and "1,600 differ by at most 1e-5" in found.text


def test_every_class_shows_how_often_it_was_chosen() -> None:
    rows = HtmlReader(agreement_chapters(AGREEMENT)[0]).rows
    assert rows[1:] == [
        ["Melanoma", "100", "92", "-8", "0.512"],
        ["Melanocytic nevus", "1,900", "1,900", "+0", "0.25"],
        ["<b>", "0", "8", "+8", "–"],
    ]


def test_changes_are_a_matrix_and_a_list() -> None:
    rows = HtmlReader(agreement_chapters(AGREEMENT)[1]).rows
    assert rows[1] == ["Melanoman = 100", "9191%", "11%", "88%"]
    assert rows[-3:] == [
        ["Melanoma", "<b>", "8"],
        ["Melanoma", "Melanocytic nevus", "1"],
        ["Melanocytic nevus", "Melanoma", "1"],
    ]


def test_the_largest_changes_show_a_hash_and_how_to_find_the_photograph() -> None:
    found = HtmlReader(agreement_chapters(AGREEMENT)[2])
    assert found.rows[1] == ["0123456789abcdef", "Melanoma", "0.9000", "0.3877", "Melanoma", "Melanocytic nevus"]
    assert "WHERE image_sha256 LIKE 'DIGITS%'" in found.text


def test_equal_predictions_have_one_chapter() -> None:
    same = {**AGREEMENT, "flips": {"labels": ["melanoma"], "counts": [[2_000]]}, "largest": [], "kappa": None}
    first, *rest = agreement_chapters(same)
    assert "Cohen's kappa–" in HtmlReader(first).text
    assert rest == ["", ""]
