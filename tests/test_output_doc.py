"""docs/use/output.md agrees with the schema."""

import re

from melanoma.errors import MAY_HEAL, OF_DECODER, ErrorKind
from melanoma.labels import VOCABULARY
from melanoma.table.schema import COLUMNS
from tests.helpers import ROOT

HEALING, BY_ANOTHER = "three days, then weekly", "by another version of the decoder"
PAGE = (ROOT / "docs" / "use" / "output.md").read_text(encoding="utf-8")


def test_the_columns_are_documented_in_their_order_and_words() -> None:
    documented = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (yes|no) \| (.+) \|$", PAGE, re.MULTILINE)
    expected = [
        (column.name, str(column.type), "yes" if column.nullable else "no", column.meaning) for column in COLUMNS
    ]
    assert documented == expected


def test_the_error_kinds_are_documented_with_their_retries() -> None:
    retries = "|".join(map(re.escape, (HEALING, BY_ANOTHER, "no")))
    documented = re.findall(rf"^\| `(\w+)` \| [^|]+ \| ({retries}) \|$", PAGE, re.MULTILINE)
    expected = dict.fromkeys(ErrorKind, "no") | dict.fromkeys(MAY_HEAL, HEALING) | dict.fromkeys(OF_DECODER, BY_ANOTHER)
    assert documented == [(kind.value, expected[kind]) for kind in ErrorKind]


def test_the_vocabulary_is_documented() -> None:
    assert all(f"`{slug}`" in PAGE for slug in VOCABULARY)
