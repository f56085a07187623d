"""`melanoma train`: labelled photographs in, a bundle with its card out."""

import argparse
import os
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.console import logs
from jobs.console.arg_types import size, whole
from jobs.console.data_flags import DATA_FLAGS, DataOptions, add_data_arguments, prepare
from jobs.train_checks import check, naming_a_full_disk, naming_the_backend, set_aside, terms_of
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.training.fitting.monitoring import History
    from melanoma.training.fitting.recipes import Recipe

_photograph_size = partial(size, least=32)

# One table for the parser and for the command that the card repeats.
_OPTIONS: dict[str, dict[str, Any]] = {
    "network": {
        "default": "lite0",
        "metavar": "NAME",
        "help": "lite0, lite1, lite2, assignment-cnn, or any of keras.applications (default: %(default)s)",
    },
    "start-from": {"metavar": "BUNDLE", "help": "take over all but the head from a bundle with the same network"},
    "size": {"type": _photograph_size, "metavar": "HxW", "help": "pixels that scoring sees"},
    "train-size": {
        "action": "append",
        "type": _photograph_size,
        "metavar": "HxW",
        "help": "pixels that training sees; repeatable, for training that grows through them",
    },
    "epochs": {"type": whole, "metavar": "N", "help": "in all"},
    "head-epochs": {
        "type": partial(whole, least=0),
        "metavar": "N",
        "help": "first ones, in which only the head learns",
    },
    "batch-size": {"type": whole, "metavar": "N", "help": "photographs in a step"},
    "learning-rate": {"type": float, "metavar": "RATE", "help": "at its highest"},
    "balance": {"type": float, "metavar": "SHARE", "help": "0 draws classes as frequent as they are, 1 all alike"},
    "label-smoothing": {"type": float, "metavar": "SHARE", "help": "of each target that is spread over all classes"},
    "mixup": {"type": float, "metavar": "SHARE", "help": "of batches whose photographs are blended with each other"},
    "taught-by": {
        "action": "append",
        "metavar": "NAME",
        "help": "a network that is trained first, and whose answers this one learns beside the labels; repeatable",
    },
    "teaching": {"type": float, "metavar": "SHARE", "help": "of each target that is the answers of --taught-by"},
    "teacher-epochs": {"type": whole, "metavar": "N", "help": "of each network in --taught-by"},
    "precision": {
        "choices": ("float32", "bfloat16"),
        "default": "float32",
        "help": "of training; bfloat16 is for GPUs (default: %(default)s)",
    },
    "look": {"choices": ("views", "augmentor"), "help": "how training changes photographs"},
    "rule": {"choices": ("balanced", "argmax"), "default": "balanced", "help": "of top_label (default: %(default)s)"},
    "review-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "of photographs that may go to a person for lack of confidence (default: %(default)s)",
    },
    "by": {
        "metavar": "COLUMNS",
        "help": "of the tables in --data and --reference, by which to judge subgroups, such as age,sex",
    },
    "data-description": {"metavar": "TEXT", "help": "what the data is, for the card (default: the values of --data)"},
    "data-licence": {"required": True, "metavar": "FILE|TEXT", "help": "terms of the data, which bind the bundle too"},
    "limit": {"action": "append", "metavar": "TEXT", "help": "a sentence for the card's known limits; repeatable"},
    "output": {"required": True, "metavar": "FOLDER", "help": "local folder that becomes the bundle"},
    "name": {"metavar": "TEXT", "help": "of the bundle, on its card (default: the folder's name)"},
}
_OF_THE_RECIPE = (
    *("size", "epochs", "head_epochs", "batch_size", "learning_rate"),
    *("balance", "label_smoothing", "mixup", "look"),
)
_OF_THE_TEACHERS = ("teaching", "teacher_epochs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `melanoma train`."""
    add_data_arguments(parser)
    for name, details in _OPTIONS.items():
        parser.add_argument(f"--{name}", **details)
    parser.add_argument(
        "--processes",
        type=partial(whole, least=0),
        default=0,
        metavar="N",
        help="that look at photographs, which changes nothing but speed; for GPUs (default: threads of this one)",
    )
    parser.add_argument("--resume", action="store_true", help="go on after the last whole epoch in --output")


def run(args: argparse.Namespace) -> int:
    """Trains, evaluates once on the test part and writes the bundle.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: Arguments or data that cannot work.
    """
    check(args)
    licence = terms_of(args.data_licence)
    with naming_the_backend(), logs.native_silence():
        from melanoma.training.fitting import checkpoints, preparation
        from melanoma.training.fitting.recipes import recipe_for
        from melanoma.training.fitting.warm_start import inherit
        from melanoma.training.networks import registry
        from melanoma.training.release import markdown_tables, release

    recipe = _chosen(args, recipe_for(args.network))
    registry.check_buildable([args.network, *recipe.taught_by])
    subgroups = _subgroups(args)
    prepared = prepare(DataOptions.from_args(args))
    warnings = preparation.warnings(prepared)
    print(*(f"note: {warning}" for warning in warnings), sep="\n", end="\n" * bool(warnings))
    plan = release.Plan(
        network=args.network,
        recipe=recipe,
        prepared=prepared,
        seed=args.seed,
        rule=args.rule,
        most_sent=args.review_share,
        subgroups=subgroups,
        precision=args.precision,
        processes=args.processes,
        **(inherit(args.start_from, prepared.dataset)._asdict() if args.start_from else {}),
    )
    folder = Path(args.output)
    with naming_a_full_disk(args.output):
        trained = plan.train(folder, args.resume, 1 if sys.stdout.isatty() else 2, _say)
    _go_on_with_tensorflow()
    print("calibrating and choosing thresholds on the validation part, then judging once on the test part")
    finished = plan.finish(trained)
    story = release.Story(
        name=args.name or folder.name,
        data=args.data_description or f"Photographs of {', '.join(args.data)}.",
        licence=licence,
        command=_command(args),
        limits=[*warnings, *(args.limit or [])],
    )
    with (
        naming_a_full_disk(args.output),
        set_aside([folder / name for name in checkpoints.checkpoint_names(len(recipe.taught_by))]),
    ):
        bundle = plan.ship(args.output, story, trained, finished)
    print("", *markdown_tables.figures(finished.report, finished.gap), f"{args.output}: {bundle.model_id}", sep="\n\n")
    return 0


def _go_on_with_tensorflow() -> None:
    """Becomes the same command under TensorFlow, which judges as it scores at night, if another backend has trained."""
    from melanoma.training.networks.registry import BACKEND

    if BACKEND != "tensorflow":
        print(f"trained with {BACKEND}; going on with tensorflow, which scores at night", flush=True)
        arguments = sys.argv[1:] + ["--resume"] * ("--resume" not in sys.argv)
        command = [sys.executable, "-m", "jobs.cli", *arguments]
        os.execve(sys.executable, command, os.environ | {"KERAS_BACKEND": "tensorflow"})  # noqa: S606 - our own words


def _say(who: str, epochs: int, history: "History") -> None:
    """Says after every epoch how it went and how long the rest will take."""
    last, left = history[-1], epochs - len(history)
    rest = f"{left * last['seconds'] / 60:.0f} minutes or more left" if left else "trained"
    print(
        f"{who}epoch {len(history)} of {epochs}: {last['size']:.0f} pixels, loss {last['loss']:.3f}, "
        f"validation loss {last['val_loss']:.3f}, balanced accuracy {last['val_accuracy']:.3f}; {rest}",
        flush=True,
    )


def _chosen(args: argparse.Namespace, recipe: "Recipe") -> "Recipe":
    """Overrides a recipe by what the flags say, and the flags by the recipe, so that the card spells all of it."""
    names = _OF_THE_RECIPE + _OF_THE_TEACHERS
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.train_size or args.size:
        given["train_sizes"] = tuple(args.train_size or [args.size])
    given["taught_by"] = tuple(args.taught_by or ())
    chosen = replace(recipe, **given)
    if args.head_epochs is None:
        chosen = chosen.lasting(chosen.epochs)
    elif args.head_epochs >= chosen.epochs:
        raise UsageError(f"--head-epochs {args.head_epochs}: give fewer than --epochs, which is {chosen.epochs}")
    for name in _OF_THE_RECIPE + (_OF_THE_TEACHERS if chosen.taught_by else ()):
        setattr(args, name, getattr(chosen, name))
    args.train_size = list(chosen.train_sizes)
    return chosen


def _subgroups(args: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Reads the columns of --by: values by column and image_id."""
    from melanoma.datasets.label_tables import is_table
    from melanoma.training.release.subgroups import read_subgroups

    tables = [uri for uri in args.data if is_table(uri)] + [args.reference] * bool(args.reference)
    return read_subgroups(tables, args.id_column, args.label_column, args.by.split(",")) if args.by else {}


def _command(args: argparse.Namespace) -> str:
    """Spells the command again from what it was understood as, defaults included."""
    words = ["melanoma", "train"]
    for name in [*DATA_FLAGS, *_OPTIONS]:
        value = getattr(args, name.replace("-", "_"))
        for item in value if isinstance(value, list) else [] if value is None or value is False else [value]:
            spelt = f"{item[0]}x{item[1]}" if isinstance(item, tuple) else str(item)
            words += [f"--{name}"] if item is True else [f"--{name}", spelt]
    return shlex.join(words)
