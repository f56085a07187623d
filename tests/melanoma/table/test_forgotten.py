"""Forgotten photographs: remembered without their names, and never lost."""

from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.table.forgotten import Forgotten
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.outputs import layout_of

JANE, JOHN, OTHER = (f"file:///archive/DOE-{name}.jpg" for name in ("JANE", "JOHN", "OTHER"))


def read(tmp_path: Path) -> Forgotten:
    forgotten = Forgotten.read(layout_of(tmp_path))
    assert forgotten is not None
    return forgotten


def test_a_table_that_never_forgot_has_none_and_gets_no_key(tmp_path: Path) -> None:
    assert Forgotten.read(layout_of(tmp_path)) is None
    assert not list(tmp_path.iterdir())


def test_forgotten_photographs_add_up_and_are_counted_once(tmp_path: Path) -> None:
    Forgotten.add(layout_of(tmp_path), [JANE])
    Forgotten.add(layout_of(tmp_path), [JOHN, JANE])
    assert len(read(tmp_path)) == 2
    assert JANE in read(tmp_path) and JOHN in read(tmp_path) and OTHER not in read(tmp_path)


def test_the_file_holds_sorted_hashes_and_no_name(tmp_path: Path) -> None:
    Forgotten.add(layout_of(tmp_path), [JOHN, JANE, OTHER])
    lines = (tmp_path / "_private" / "forgotten").read_text().split("\n")
    pseudonyms = Pseudonyms.of_table(layout_of(tmp_path))
    assert lines == [*sorted(pseudonyms.full(uri) for uri in (JANE, JOHN, OTHER)), ""]
    assert all(len(line) == 32 for line in lines[:-1])


def test_hashes_without_their_key_are_refused_rather_than_ignored(tmp_path: Path) -> None:
    """Otherwise every forgotten photograph would be scored again."""
    Forgotten.add(layout_of(tmp_path), [JANE])
    (tmp_path / "_private" / "key").unlink()
    with pytest.raises(UsageError, match=r"the file `key` beside it is missing; restore it from a backup"):
        Forgotten.read(layout_of(tmp_path))
