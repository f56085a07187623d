"""Which words a message may repeat, and which name it suggests."""

from pathlib import Path

import pytest

from jobs.cli import main
from jobs.console.parsing import Parser, did_you_mean, may_name_a_file
from melanoma.errors import UsageError


@pytest.mark.parametrize("word", ["/in/a", "a/b", "smith.jpg", "Ann Smith.JPEG", "smith.d2", "x" * 5000 + "/"])
def test_words_that_may_be_names_of_files(word: str) -> None:
    assert may_name_a_file(word)


@pytest.mark.parametrize("word", ["1/4", "score", "0.05", "5%", "3h30m", "224x224", "x" * 5000, "", "nul\0"])
def test_words_that_are_not(word: str) -> None:
    assert not may_name_a_file(word)


def test_a_file_without_an_extension_is_recognised_because_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not may_name_a_file("Smith")
    Path("Smith").symlink_to("gone")
    assert may_name_a_file("Smith")


@pytest.mark.parametrize(
    ("word", "known", "clause"),
    [
        ("--imagse", ["--images", "--limit"], "; did you mean --images?"),
        ("SCORE", ["score", "query"], "; did you mean score?"),
        ("4", [4, 44], "; did you mean 4?"),
        ("--surprise", ["--uri-base", "--rows"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name(word: str, known: list[object], clause: str) -> None:
    assert did_you_mean(word, known) == clause


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("invalid int value: '/in/Smith.jpg'", "invalid int value: a file name; if the shell expanded a pattern"),
        (
            "invalid choice: \"O'Smith.jpg\" (choose from 'a')",
            "invalid choice: a file name (choose from 'a'); if the sh",
        ),
        ("'5%' must be between 0 and 1", "'5%' must be between 0 and 1; see p --help"),
    ],
)
def test_a_quoted_file_name_is_replaced(said: str, shown: str) -> None:
    with pytest.raises(UsageError) as caught:
        Parser("p").error(said)
    assert str(caught.value).startswith(shown) and str(caught.value).endswith("; see p --help")


@pytest.mark.parametrize(
    "words",
    [
        ["score", "--bundle", "b", "--output", ""],
        ["score", "--bundle", "b", "-o", " "],
        ["score", "--bundle", "", "--output", "o"],
        ["score", "--bundle", "b", "--output", "o", "--images=", "--images", "i"],
        ["table", "history", ""],
        ["table", "delete", "t", "--model", "", "--older-than", "400d", "--yes"],
        ["compare", "t", ""],
    ],
)
def test_an_empty_word_never_stands_for_the_folder_in_which_a_command_runs(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_reports").mkdir()  # as if this folder had records
    assert main(words) == 2
    assert "an empty word names nothing; is a variable of the shell not set?" in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == [tmp_path / "_reports"]


def test_an_empty_setting_is_refused_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "night.toml"
    settings.write_text('bundle = ["b"]\nimages = ["i"]\noutput = ""\n')
    assert main(["score", "--config", str(settings)]) == 2
    assert "output: an empty word names nothing" in capsys.readouterr().err
