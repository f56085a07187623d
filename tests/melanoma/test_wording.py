"""Numbers in sentences."""

import pytest

from melanoma.wording import are, counted, lesions


@pytest.mark.parametrize(
    ("number", "rows", "verb", "groups"),
    [
        (0, "0 rows", "are", "0 lesions or patients"),
        (1, "1 row", "is", "1 lesion or patient"),
        (1234, "1,234 rows", "are", "1,234 lesions or patients"),
    ],
)
def test_one_is_singular(number: int, rows: str, verb: str, groups: str) -> None:
    assert (counted(number, "row"), are(number), lesions(number)) == (rows, verb, groups)
