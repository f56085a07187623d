"""The next commands at the end of a training: complete, quoted, and valid command lines."""

import argparse
import re
import shlex

from jobs.cli import parse
from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions
from jobs.training.summary import next_steps


def commands(*words: str) -> list[list[str]]:
    """Returns the words of each command that follows a training with these arguments."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = TrainOptions.from_args(parser.parse_args([*words, "--data-licence", "CC0"]))
    found = re.findall(r"^  (melanoma .*)$", next_steps(options, "m-0123456789ab"), re.M)
    return [shlex.split(line) for line in found]


def test_every_command_is_valid_and_names_the_real_bundle() -> None:
    found = commands("--data", "my photographs", "--output", "bundles/it's mine")
    parsed = [parse(words[1:]) for words in found]
    assert [line.command for line in parsed] == ["bundle", "score", "evaluate", "compare", "table"]
    inspect, score, evaluate, compare, promote = (line.args for line in parsed)
    assert inspect.uri == "bundles/it's mine" and inspect.card
    assert (score.images, score.bundle, score.output) == (["my photographs"], ["bundles/it's mine"], "scores")
    assert evaluate.labels == compare.labels == "bundles/it's mine/split.csv"
    assert evaluate.trained_on == ["bundles/it's mine/split.csv"]
    assert evaluate.model == compare.new_model == "m-0123456789ab"
    assert promote.table == "scores"


def test_photographs_of_a_table_are_scored_from_its_first_root() -> None:
    """Further roots hold the same photographs at other scales, whose ids would be ambiguous."""
    table = ("--data", "t.csv", "--root", "large", "--root", "small", "--id-column", "id", "--label-column", "dx")
    (score,) = (words for words in commands(*table, "-o", "b") if words[1] == "score")
    assert score[2:4] == ["--images", "large"] and "small" not in score


def test_all_folders_of_photographs_are_scored() -> None:
    (score,) = (words for words in commands("--data", "a", "--data", "b", "-o", "c") if words[1] == "score")
    assert score[2:6] == ["--images", "a", "--images", "b"]
