"""Old names of flags do what the new ones do, say so once, and stay out of the help."""

import argparse

import pytest

from jobs.console.renamed_flags import accept_old_names


def parser() -> argparse.ArgumentParser:
    built = argparse.ArgumentParser()
    built.add_argument("-w", "--weight", type=float, default=0.5)
    built.add_argument("--teacher", action="append", default=[], choices=("a", "b"))
    accept_old_names(built, {"--share": "--weight", "--taught-by": "--teacher"})
    return built


def test_an_old_name_does_what_the_new_one_does(capsys: pytest.CaptureFixture[str]) -> None:
    args = parser().parse_args(["--share=0.25", "--taught-by", "a", "--teacher", "b"])
    assert vars(args) == {"weight": 0.25, "teacher": ["a", "b"]}
    assert capsys.readouterr().err.splitlines() == [
        "melanoma: --share is now called --weight",
        "melanoma: --taught-by is now called --teacher",
    ]


def test_the_new_name_says_nothing_and_keeps_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["-w", "1"]).weight == 1.0
    assert vars(parser().parse_args([])) == {"weight": 0.5, "teacher": []}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [["--taught-by", "c"], ["--share", "much"]])
def test_values_are_checked_as_for_the_new_name(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(words)


def test_old_names_are_not_in_the_help() -> None:
    text = parser().format_help()
    assert "--weight" in text and "--teacher" in text
    assert "--share" not in text and "--taught-by" not in text
