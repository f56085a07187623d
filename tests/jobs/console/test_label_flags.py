"""The flags of labels, and the options that they become."""

import argparse
import dataclasses

import pytest

from jobs.console.label_flags import LabelOptions, add_label_arguments

LABELS = ["--labels", "labels.csv", "--id-column", "id", "--label-column", "dx"]


def parse(*words: str, required: bool = False) -> LabelOptions:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_label_arguments(parser, required)
    return LabelOptions.from_args(parser.parse_args(words))


def test_every_flag_is_an_option() -> None:
    words = ["--group-column", "lesion", "--trained-on", "a.csv", "--trained-on", "b.csv", "--output", "out"]
    assert parse(*LABELS, *words, "--seed", "7") == LabelOptions(
        labels="labels.csv",
        id_column="id",
        label_column="dx",
        group_column="lesion",
        trained_on=("a.csv", "b.csv"),
        output="out",
        seed=7,
    )


def test_without_flags_there_are_no_labels() -> None:
    assert parse() == LabelOptions(None, None, None, None, (), None, 0)


def test_two_command_lines_do_not_share_a_list() -> None:
    assert parse("--trained-on", "a.csv").trained_on == ("a.csv",)
    assert parse("--trained-on", "b.csv").trained_on == ("b.csv",)


@pytest.mark.parametrize("missing", ["--labels"])
def test_a_command_that_needs_labels_requires_their_flags(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = LABELS.index(missing)
    with pytest.raises((SystemExit, argparse.ArgumentError)) as caught:
        parse(*LABELS[:place], *LABELS[place + 2 :], required=True)
    assert missing in capsys.readouterr().err + str(caught.value)


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse().seed = 1  # type: ignore[misc]
