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


def test_bytes_are_remembered_without_their_digest_and_apart_from_names(tmp_path: Path) -> None:
    Forgotten.add(layout_of(tmp_path), [JANE], ["aa" * 32])
    Forgotten.add(layout_of(tmp_path), [JOHN], ["aa" * 32, "bb" * 32])
    found = read(tmp_path)
    assert found.has_content("aa" * 32) and found.has_content("bb" * 32) and not found.has_content("cc" * 32)
    assert len(found) == 2 and JANE in found and JOHN in found and "aa" * 32 not in found
    text = (tmp_path / "_private" / "forgotten").read_text()
    assert "aaaa" not in text and [line.partition(":")[0] for line in text.split()].count("content") == 2


def test_a_file_of_an_earlier_version_has_names_only_and_keeps_them(tmp_path: Path) -> None:
    key = Pseudonyms.of_table(layout_of(tmp_path))
    (tmp_path / "_private" / "forgotten").write_text(f"{key.full(JANE)}\n")
    assert JANE in read(tmp_path) and not read(tmp_path).has_content("aa" * 32)
    Forgotten.add(layout_of(tmp_path), [JOHN], ["aa" * 32])
    assert JANE in read(tmp_path) and JOHN in read(tmp_path) and read(tmp_path).has_content("aa" * 32)


def test_another_key_hashes_bytes_otherwise(tmp_path: Path) -> None:
    lines = set()
    for name in ("one", "two"):
        Forgotten.add(layout_of(tmp_path / name), [], ["aa" * 32])
        lines.add((tmp_path / name / "_private" / "forgotten").read_text())
    assert len(lines) == 2
