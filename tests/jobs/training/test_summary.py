"""The next commands at the end of a training: complete, quoted, and valid command lines."""

import argparse
import re
import shlex

import numpy as np
import pytest

from jobs.cli import parse
from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions
from jobs.training.summary import next_steps, results
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.training.release.assessment import Assessment


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
    assert compare.trained_on == [*evaluate.trained_on, "OLD_SPLIT"]  # fair only without the photographs of both
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


def assessment(right: float) -> Assessment:
    """Returns the assessment of a network that classifies a share of 60 photographs correctly."""
    truth = np.arange(60) % 2
    is_right = np.arange(60) < 60 * right
    top = np.where(is_right, truth, 1 - truth)
    probabilities = np.where(np.arange(2) == top[:, None], 0.75, 0.25).astype(np.float32)
    sex = {"sex": np.array(["f", "m"] * 30)}
    groups = np.arange(60).astype(str)
    report = evaluate(Predictions(("melanoma", "nevus"), truth, probabilities, top, groups, subgroups=sex), seed=0)
    return Assessment(report, {"train": report["balanced_accuracy"], "validation": None}, None)


def test_results_are_aligned_tables() -> None:
    lines = results(assessment(0.9)).splitlines()
    assert lines[0].startswith("test part, used neither for training nor for any choice: 60 photographs of 60 lesions")
    header, *rows = (line for line in lines if re.match(r"  (class|Melanoma|Melanocytic nevus) ", line))
    assert len(rows) == 2
    for row in rows:
        first, second = (found.start() for found in re.finditer(r"[01]\.\d+ \(", row))
        assert (first, second) == (header.index("sensitivity"), header.index("AUC"))
    (training,) = (line for line in lines if line.startswith("  balanced accuracy, training part "))
    (validation,) = (line for line in lines if line.startswith("  balanced accuracy, validation part "))
    assert training.index("0.900") == validation.index("–")
    assert "  Subgroups by sex are on the card." in lines


@pytest.mark.parametrize(("right", "is_noted"), [(0.9, False), (0.55, True)])
def test_a_network_that_may_have_learned_nothing_is_noted(right: float, is_noted: bool) -> None:
    assert ("this balanced accuracy may be chance" in results(assessment(right))) is is_noted
