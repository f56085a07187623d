"""Options hold the values of the flags and cannot be changed."""

import argparse
import dataclasses

import pytest

from jobs.console.options import Options


@dataclasses.dataclass(frozen=True)
class Trial(Options):
    row_count: int
    sources: tuple[str, ...]
    is_quick: bool = False


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--row-count", type=int, default=3)
    parser.add_argument("--sources", action="append", default=[])
    parser.add_argument("--is-quick", action="store_true")
    parser.add_argument("--unused")
    return parser.parse_args(words)


def test_fields_take_the_flags_of_their_names() -> None:
    options = Trial.from_args(parsed("--row-count", "5", "--sources", "a", "--sources", "b", "--is-quick"))
    assert options == Trial(row_count=5, sources=("a", "b"), is_quick=True)


def test_repeatable_flags_are_empty_tuples_where_they_are_absent() -> None:
    assert Trial.from_args(parsed()) == Trial(row_count=3, sources=(), is_quick=False)


def test_options_do_not_change_with_the_namespace() -> None:
    args = parsed("--sources", "a")
    options = Trial.from_args(args)
    args.row_count = 9
    args.sources.append("b")
    assert options == Trial(row_count=3, sources=("a",))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.row_count = 4  # type: ignore[misc]


def test_a_field_without_a_flag_is_an_error() -> None:
    with pytest.raises(AttributeError, match="row_count"):
        Trial.from_args(argparse.Namespace(sources=[], is_quick=False))
