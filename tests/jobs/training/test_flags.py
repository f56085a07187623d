"""The flags of `melanoma train`: their types, defaults and limits."""

import argparse

import pytest

from jobs.training.flags import TRAIN_FLAGS, add_arguments
from melanoma.training.fitting.recipes import recipe_for

REQUIRED = ("--data", "in", "--data-licence", "CC0", "--output", "out")


def parser() -> argparse.ArgumentParser:
    built = argparse.ArgumentParser()
    add_arguments(built)
    return built


def parse(*words: str) -> argparse.Namespace:
    return parser().parse_args([*REQUIRED, *words])


def test_values_are_parsed_to_their_types() -> None:
    args = parse("--size", "64x48", "--train-size", "32x32", "--train-size", "40x40", "--mixup", "0.5", "--epochs", "3")
    assert (args.size, args.train_size, args.mixup, args.epochs) == ((64, 48), [(32, 32), (40, 40)], 0.5, 3)


def test_flags_that_a_recipe_decides_have_no_default() -> None:
    args = vars(parse())
    names = ("size", "epochs", "head_epochs", "batch_size", "learning_rate", "balance", "label_smoothing", "mixup")
    assert [args[name] for name in (*names, "look", "teaching", "teacher_epochs")] == [None] * 11
    assert (args["network"], args["rule"], args["precision"], args["review_share"]) == (
        *("lite0", "balanced", "float32", 0.2),
    )


@pytest.mark.parametrize("missing", ["--data", "--data-licence", "--output"])
def test_data_licence_and_output_are_required(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for pair in zip(REQUIRED[::2], REQUIRED[1::2], strict=True) if pair[0] != missing for word in pair]
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(words)
    assert f"required: {missing}" in capsys.readouterr().err


def test_every_flag_has_printable_help() -> None:
    text = " ".join(parser().format_help().split())
    for name, details in TRAIN_FLAGS.items():
        assert f"--{name} " in text and details["help"].split(" (default")[0].split()[-1] in text
    assert "decision rule for top_label (default: balanced)" in text


@pytest.mark.parametrize(("flag", "field"), [("teaching", "teacher_weight"), ("teacher-epochs", "teacher_epochs")])
def test_defaults_in_the_help_match_every_recipe(flag: str, field: str) -> None:
    for network in ("lite0", "assignment-cnn"):
        assert f"(default: {getattr(recipe_for(network), field)})" in TRAIN_FLAGS[flag]["help"]


@pytest.mark.parametrize(
    "words",
    [
        ["--size", "16x16"],
        ["--size", "128"],
        ["--train-size", "8x8"],
        ["--epochs", "0"],
        ["--head-epochs", "-1"],
        ["--batch-size", "0"],
        ["--seed", "-1"],
        ["--precision", "float16"],
        ["--look", "none"],
        ["--rule", "best"],
        ["--processes", "-1"],
    ],
)
def test_values_out_of_range_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(*words)
