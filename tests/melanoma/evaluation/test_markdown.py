"""Markdown tables."""

from melanoma.evaluation.markdown import table


def test_all_columns_but_the_first_are_aligned_as_numbers() -> None:
    assert table(("a", "b", "c"), [("x", 1, "")]) == "| a | b | c |\n| --- | ---: | ---: |\n| x | 1 |  |"
