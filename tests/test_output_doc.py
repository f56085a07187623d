"""The data dictionary says what the schema says."""

import re

from melanoma.errors import ErrorKind
from melanoma.labels import VOCABULARY
from melanoma.table.schema import COLUMNS
from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "use" / "output.md").read_text(encoding="utf-8")


def test_the_columns_stand_in_the_dictionary_in_their_order_and_words() -> None:
    documented = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (yes|no) \| (.+) \|$", PAGE, re.MULTILINE)
    expected = [
        (column.name, str(column.type), "yes" if column.nullable else "no", column.meaning) for column in COLUMNS
    ]
    assert documented == expected


def test_the_kinds_of_failure_stand_in_the_dictionary_with_what_becomes_of_them() -> None:
    documented = re.findall(r"^\| `(\w+)` \| [^|]+ \| (three nights, then weekly|no) \|$", PAGE, re.MULTILINE)
    assert documented == [(kind.value, "three nights, then weekly" if kind.may_heal else "no") for kind in ErrorKind]


def test_the_vocabulary_stands_in_the_dictionary() -> None:
    assert all(f"`{slug}`" in PAGE for slug in VOCABULARY)
