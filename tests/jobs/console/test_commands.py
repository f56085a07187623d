"""Commands and actions are declared in one form."""

import argparse

import pytest

from jobs.console.commands import add_command


def declared() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("trial")
    commands = parser.add_subparsers(dest="command")
    add_command(commands, "draw", "draw a picture of SIZE", "The end.").add_argument("--count")
    return parser


def test_the_purpose_is_a_phrase_in_the_list_and_a_sentence_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "draw      draw a picture of SIZE\n" in declared().format_help()
    with pytest.raises(SystemExit):
        declared().parse_args(["draw", "--help"])
    out = capsys.readouterr().out
    assert "\nDraw a picture of SIZE.\n" in out and out.endswith("\nThe end.\n")


def test_flags_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    """A shorter name that is unique today may not be unique after the next release."""
    assert declared().parse_args(["draw", "--count", "3"]).count == "3"
    with pytest.raises(SystemExit):
        declared().parse_args(["draw", "--cou", "3"])
    assert "unrecognized arguments: --cou 3" in capsys.readouterr().err
