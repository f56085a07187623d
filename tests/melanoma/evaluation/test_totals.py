"""The totals of an evaluation add up, and a large share that is not evaluated is a warning."""

import re

from melanoma.evaluation.totals import comparison_totals, label_totals, left_out_warning, photograph_totals
from tests.helpers.predictions import accounting


def numbers(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"[\d,]*\d", text)]


def test_photographs_and_labels_add_up() -> None:
    data = accounting(
        photographs=5_984,
        judged=900,
        photographs_trained_on=5_039,
        classes_unknown_to_model={"scar": 30, "wart": 5},
        photographs_without_label=10,
        labelled=10_015,
        labels_without_photograph=4_031,
        labels_of_failed=7,
        labels_of_ambiguous=3,
    )
    total, *parts = numbers(photograph_totals(data))
    assert (total, parts) == (5_984, [900, 5_039, 35, 10]) and sum(parts) == total
    assert numbers(label_totals(data)) == [10_015, 5_974, 10, 4_031]


def test_a_large_share_that_is_not_evaluated_is_a_warning() -> None:
    data = accounting(photographs=5_984, judged=945, labelled=945)
    assert left_out_warning(data) == (
        "WARNING: 5,039 of 5,984 scored photographs are not evaluated. The results are about the other 945 only."
    )
    assert left_out_warning(accounting()) == ""


def test_a_comparison_of_an_earlier_version_has_no_totals() -> None:
    data = {"photographs_trained_on": 2, "judged": 5}
    judged = {"n": 5, "labels_not_known_to_both": {"scar": 1}, "data": data}
    assert comparison_totals(judged) == left_out_warning(data) == ""
    data |= {"photographs": 9, "photographs_without_label": 1, "labelled": 12, "labels_without_photograph": 4}
    total, *parts = numbers(comparison_totals(judged))
    assert parts[:4] == [5, 2, 1, 1] and sum(parts[:4]) == total and parts[4:] == [12, 4]
