"""Columns of the score table have names for people."""

from melanoma.labels import name_of
from melanoma.reporting.column_names import column_name


def test_probabilities_are_called_by_their_class() -> None:
    assert column_name("p_nevus") == name_of("nevus") and column_name("ood_score") == "Out-of-distribution score"
