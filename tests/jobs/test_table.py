"""`melanoma table`: which words become which action, and what is refused."""

import datetime
from pathlib import Path

import pytest

from jobs import table
from jobs.cli import main, parse
from jobs.console.options import Action
from jobs.table import Compact, Delete, Forget, History, Models, Promote, Vacuum


def action(*words: str) -> Action:
    args = parse(["table", *words]).args
    return table._ACTIONS[args.action].from_args(args)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["history", "t"], History("t", json=False)),
        (["history", "t", "--json"], History("t", json=True)),
        (["models", "t", "--json"], Models("t", json=True)),
        (["promote", "t", "m-1"], Promote("t", "m-1")),
        (["delete", "t", "--model", "m-1"], Delete("t", "m-1", None, yes=False)),
        (["delete", "t", "--model", "m-1", "--yes"], Delete("t", "m-1", None, yes=True)),
        (["delete", "t", "--older-than", "400d"], Delete("t", None, datetime.timedelta(400), yes=False)),
        (["compact", "t"], Compact("t")),
        (["vacuum", "t"], Vacuum("t", retention_days=7, yes=False)),
        (["vacuum", "t", "--retention-days", "30", "--yes"], Vacuum("t", retention_days=30, yes=True)),
        (["forget", "t", "--uris", "uris.txt"], Forget("t", "uris.txt", yes=False)),
        (["forget", "t", "--uris", "uris.txt", "--yes"], Forget("t", "uris.txt", yes=True)),
    ],
)
def test_words_become_an_action(words: list[str], expected: Action) -> None:
    found = action(*words)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["drop", "t"], "invalid choice: 'drop'"),
        (["history"], "the following arguments are required: TABLE; see melanoma table history --help"),
        (["promote", "t"], "the following arguments are required: NAME_OR_ID"),
        (["delete", "t"], "nothing to delete; give --model, --older-than, or both"),
        (["delete", "t", "--older-than", "400"], "'400' is not a number of days; write for example 400d"),
        (["delete", "t", "--older-than", "0d"], "'0d' is not a number of days; write for example 400d"),
        (["forget", "t"], "the following arguments are required: --uris"),
        (["vacuum", "t", "--retention-days", "soon"], "'soon' is not a whole number of at least 1"),
        (["vacuum", "t", "--retention", "9"], "unrecognized arguments: --retention 9"),
        (["compact", "t", "--yes"], "unrecognized arguments: --yes"),
    ],
)
def test_wrong_words_exit_with_2_and_one_line(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and complaint in captured.err and captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["history"],
        ["models"],
        ["promote", "m-1"],
        ["delete", "--model", "m-1"],
        ["delete", "--model", "m-1", "--yes"],
        ["compact"],
        ["vacuum"],
        ["vacuum", "--yes"],
        ["forget", "--uris", "uris.txt"],
    ],
)
def test_a_missing_table_is_an_error_and_is_not_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("uris.txt").write_text("file:///archive/a.jpg")
    assert main(["table", words[0], "absent", *words[1:]]) == 2
    assert "no score table there" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["uris.txt"]
