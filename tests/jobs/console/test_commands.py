"""Commands and actions are declared in one form."""

import argparse

import pytest

from jobs.console.commands import add_command, add_group


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


def test_an_example_keeps_its_lines_while_other_texts_are_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    parser = argparse.ArgumentParser("melanoma")
    train = add_command(parser.add_subparsers(), "train", "train a network", "A text\nthat is wrapped anew.")
    for length in range(20, 50):
        train.add_argument(f"--{length}", help=f"{'x' * length} assignment-cnn")
    text = train.format_help()
    assert '\nexample:\n  melanoma train --data /archive/labelled --data-licence "CC BY 4.0" \\\n    --output' in text
    assert text.endswith("\n\nA text that is wrapped anew.\n")
    assert text.count("assignment-cnn") == 30


def test_flags_in_a_group_get_their_short_forms() -> None:
    parser = argparse.ArgumentParser()
    add_group(parser, "a heading", {"output": {"metavar": "FOLDER"}, "quiet": {"action": "store_true"}, "other": {}})
    assert vars(parser.parse_args(["-o", "x", "-q"])) == {"output": "x", "quiet": True, "other": None}
    assert "\na heading:\n  -o FOLDER, --output FOLDER\n  -q, --quiet\n  --other OTHER\n" in parser.format_help()
