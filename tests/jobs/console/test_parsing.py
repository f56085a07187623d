"""Positional arguments may stand before or behind flags."""

import pytest

from jobs.cli import parse
from melanoma.errors import UsageError


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["explain", "t", "--offline", "a.jpg"], "photograph", "a.jpg"),
        (["explain", "--json", "t", "a.jpg"], "photograph", "a.jpg"),
        (["explain", "t", "a.jpg", "--json"], "photograph", "a.jpg"),
        (["explain", "t", "--images", "in"], "photograph", None),
        (["query", "t", "--rows", "3", "SELECT 1"], "sql", "SELECT 1"),
        (["query", "t", "--with", "people.csv", "SELECT 1"], "sql", "SELECT 1"),
        (["query", "t", "--with", "people.csv"], "sql", None),
        (["compare", "old", "--old-model", "m", "new", "--labels", "x"], "new", "new"),
    ],
)
def test_an_argument_that_may_be_left_out_may_stand_behind_a_flag(words: list[str], name: str, value: str) -> None:
    args = parse(words).args
    assert (args.table if "table" in args else args.old) in ("t", "old") and getattr(args, name) == value


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "t", "a", "--json", "b"],
        ["query", "t", "--rows", "3", "SELECT 1", "SELECT 2"],
        ["query", "t", "--unknown", "SELECT 1"],
        ["doctor", "--images", "a", "b", "--bundle", "c", "--output", "d"],
    ],
)
def test_any_other_word_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="unrecognized arguments"):
        parse(words)
