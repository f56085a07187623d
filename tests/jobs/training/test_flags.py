"""The flags of `melanoma train`: their types, defaults and limits."""

import argparse
import re

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
    assert [args[name] for name in (*names, "augmentation", "distill_weight", "teacher_epochs")] == [None] * 11
    assert (args["network"], args["rule"], args["precision"], args["review_share"]) == (
        *("lite0", "balanced", "float32", 0.2),
    )


@pytest.mark.parametrize("missing", ["--data", "--data-licence", "--output"])
def test_data_licence_and_output_are_required(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for pair in zip(REQUIRED[::2], REQUIRED[1::2], strict=True) if pair[0] != missing for word in pair]
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(words)
    assert re.search(rf"required: .*{missing}$", capsys.readouterr().err, re.M)


def test_every_flag_has_printable_help() -> None:
    text = " ".join(parser().format_help().split())
    for name, details in TRAIN_FLAGS.items():
        assert f"--{name} " in text and details["help"].split(" (default")[0].split()[-1] in text
    assert "decision rule for top_label (default: balanced)" in text


def test_defaults_in_the_help_are_those_of_the_recipes() -> None:
    transfer, cnn = recipe_for("lite0"), recipe_for("assignment-cnn")
    fields = {name.replace("_", "-"): name for name in vars(transfer)}
    fields |= {"distill-weight": "teacher_weight", "mixup": "mixup"}
    different = set[str]()
    for flag in TRAIN_FLAGS.keys() & (fields.keys() - {"size"}):
        ours, theirs = getattr(transfer, fields[flag]), getattr(cnn, fields[flag])
        expected = f"{ours}; assignment-cnn: {theirs}" if "assignment-cnn" in TRAIN_FLAGS[flag]["help"] else f"{ours}"
        assert f"(default: {expected})" in TRAIN_FLAGS[flag]["help"]
        assert "assignment-cnn" in expected or ours == theirs
        different.add(flag)
    assert different == {
        *("epochs", "head-epochs", "batch-size", "learning-rate", "balance", "label-smoothing", "augmentation"),
        *("mixup", "distill-weight", "teacher-epochs"),
    }


def test_default_sizes_in_the_help_are_those_of_the_recipes() -> None:
    transfer, cnn = recipe_for("lite0"), recipe_for("assignment-cnn")
    assert "(default: 224x224; assignment-cnn: 112x112)" in TRAIN_FLAGS["size"]["help"]
    assert "or 128x128, 160x160 and 192x192; assignment-cnn: 112x112)" in TRAIN_FLAGS["train-size"]["help"]
    assert (transfer.size, cnn.size) == ((224, 224), (112, 112)) and cnn.train_sizes == (cnn.size,)
    assert transfer.train_sizes == ((128, 128), (160, 160), (192, 192))


def test_a_limitation_is_a_sentence_and_not_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse("--limit", "100")
    assert "'100' is not a sentence; write it in quotes" in capsys.readouterr().err


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
        ["--augmentation", "none"],
        ["--rule", "best"],
        ["--processes", "-1"],
    ],
)
def test_values_out_of_range_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(*words)
