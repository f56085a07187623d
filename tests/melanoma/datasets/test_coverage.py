"""Totals of labels and photographs add up, and a large share that is left out is a warning."""

import pytest

from melanoma.datasets.coverage import NO_TABLES, Coverage


def test_every_row_and_file_is_in_the_sentence() -> None:
    assert Coverage(945, 9_000, 70, 1_039).sentence() == (
        "10,015 rows of labels: 945 used, 9,000 without a photograph below the roots, 70 without a class; 1,039 files "
        "below the roots without a label"
    )
    assert NO_TABLES.sentence() == NO_TABLES.warning() == ""


@pytest.mark.parametrize(
    ("coverage", "text"),
    [
        (Coverage(80, 20, 0, 0), "20 of 100 rows of labels were left out"),
        (Coverage(80, 10, 10, 0), "20 of 100 rows of labels were left out"),
        (Coverage(81, 19, 0, 0), ""),
        (Coverage(945, 0, 0, 5_039), "5,039 of 5,984 files were left out"),
        (Coverage(50, 50, 0, 50), "50 of 100 rows of labels and 50 of 100 files were left out"),
    ],
)
def test_a_fifth_or_more_that_is_left_out_is_a_warning(coverage: Coverage, text: str) -> None:
    assert coverage.warning().startswith(text) and bool(coverage.warning()) == bool(text)
