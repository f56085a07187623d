"""The options of `melanoma train`: parsed once, completed by a recipe, and written out again for the card."""

import argparse
import re
import shlex
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions
from melanoma.errors import UsageError
from melanoma.training.fitting.recipes import recipe_for
from tests.helpers import ROOT

REQUIRED = ("--data", "in", "--data-licence", "CC0", "--output", "out")


def parse(*words: str) -> TrainOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return TrainOptions.from_args(parser.parse_args([*REQUIRED, *words]))


def test_without_flags_the_recipe_decides_everything() -> None:
    options = parse()
    assert options.network == "lite0" and options.train_size == () and options.teacher == ()
    assert options.recipe(recipe_for("lite0")) == recipe_for("lite0")


def test_flags_override_the_recipe() -> None:
    options = parse(
        *("--size", "64x48", "--epochs", "9", "--batch-size", "4", "--learning-rate", "0.25", "--balance", "0"),
        *("--label-smoothing", "0.5", "--mixup", "1", "--augmentation", "augmentor", "--head-epochs", "3"),
        *("--teacher", "lite1", "--teacher", "lite2", "--distill-weight", "0.75", "--teacher-epochs", "5"),
    )
    assert options.recipe(recipe_for("lite0")) == replace(
        recipe_for("lite0"),
        size=(64, 48),
        train_sizes=((64, 48),),
        epochs=9,
        head_epochs=3,
        batch_size=4,
        learning_rate=0.25,
        balance=0.0,
        label_smoothing=0.5,
        mixup=1.0,
        augmentation="augmentor",
        teachers=("lite1", "lite2"),
        teacher_weight=0.75,
        teacher_epochs=5,
    )


def test_training_sizes_may_differ_from_the_scoring_size() -> None:
    recipe = parse("--size", "64x64", "--train-size", "32x32", "--train-size", "48x40").recipe(recipe_for("lite0"))
    assert recipe.size == (64, 64) and recipe.train_sizes == ((32, 32), (48, 40))


def test_head_epochs_leave_at_least_one_for_all_layers() -> None:
    assert parse("--epochs", "1").recipe(recipe_for("lite0")).head_epochs == 0
    with pytest.raises(UsageError, match="--head-epochs 4: must be fewer than --epochs, which is 4"):
        parse("--epochs", "4", "--head-epochs", "4").recipe(recipe_for("lite0"))
    with pytest.raises(UsageError, match="which is 21"):
        parse("--head-epochs", "21").recipe(recipe_for("lite0"))


def resolved(*words: str) -> TrainOptions:
    options = parse(*words)
    return options.resolved(options.recipe(recipe_for(options.network)))


def test_resolved_options_include_the_values_of_the_recipe() -> None:
    options = resolved("--epochs", "7")
    assert (options.size, options.train_size) == ((224, 224), ((128, 128), (160, 160), (192, 192)))
    assert (options.epochs, options.head_epochs, options.augmentation, options.mixup) == (7, 1, "views", 0.5)
    assert options.distill_weight is None and options.teacher_epochs is None  # there are no teachers
    assert resolved("--teacher", "lite2").distill_weight == 0.7


def test_the_command_parses_to_the_same_options() -> None:
    words = [
        *("--data", "more photographs", "--root", "a", "--root", "b", "--reference", "t.csv", "--id-column", "id"),
        *("--label-column", "dx", "--split", "s.csv", "--seed", "4", "--allow-leaks", "--start-from", "old bundle"),
        *("--train-size", "32x40", "--train-size", "48x60", "--teacher", "lite1", "--teacher", "lite2"),
        *(
            "--by",
            "age,sex",
            "--limitation",
            "It's small.",
            "--limitation",
            "Old.",
            "--name",
            "new",
            "--rule",
            "argmax",
        ),
    ]
    options = resolved(*words)
    first, second, *rest = shlex.split(options.command())
    assert (first, second) == ("melanoma", "train")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert TrainOptions.from_args(parser.parse_args(rest)) == options


def test_the_command_omits_flags_that_do_not_change_the_outcome() -> None:
    command = parse("--processes", "3", "--resume").command()
    assert command == (
        "melanoma train --data in --validation-share 0.2 --test-share 0.2 --seed 0 --network lite0 --precision float32 "
        "--rule balanced --review-share 0.2 --output out --data-licence CC0"
    )


def test_options_do_not_change_once_parsed() -> None:
    with pytest.raises(FrozenInstanceError):
        parse().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("card", sorted(ROOT.glob("bundles/*/card.md")), ids=lambda card: card.parent.name)
def test_the_command_on_the_card_of_every_bundle_still_works(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"```\nmelanoma train (.*)\n```", card.read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = TrainOptions.from_args(parser.parse_args(shlex.split(command)))
    assert options.augmentation in {"views", "hospitals", "augmentor"} and options.limitation
    was_named_anew = "--look is now called --augmentation" in capsys.readouterr().err
    assert was_named_anew == ("--look" in command)
