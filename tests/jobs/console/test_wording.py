"""Numbers read well in sentences."""

import pytest

from jobs.console.wording import counted, per_second


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_001, "1,001 rows"), (1_234_567, "1,234,567 rows")],
)
def test_only_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "row") == text


def test_an_adjective_may_stand_before_the_noun() -> None:
    assert counted(1, "staged file") == "1 staged file" and counted(3, "staged file") == "3 staged files"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.01, "less than 0.1 photographs/s"),
        (0.3, "0.3 photographs/s"),
        (1.0, "1.0 photographs/s"),
        (9.94, "9.9 photographs/s"),
        (9.96, "10 photographs/s"),
        (12345.6, "12,346 photographs/s"),
    ],
)
def test_a_rate_below_ten_has_a_decimal(rate: float, text: str) -> None:
    assert per_second(rate) == text
