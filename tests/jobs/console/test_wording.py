"""Numbers read well in sentences."""

import pytest

from jobs.console.wording import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_001, "1,001 rows"), (1_234_567, "1,234,567 rows")],
)
def test_only_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "row") == text


def test_an_adjective_may_stand_before_the_noun() -> None:
    assert counted(1, "staged file") == "1 staged file" and counted(3, "staged file") == "3 staged files"
