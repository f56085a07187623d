"""The flags of `melanoma train` as one frozen object, and the command that a card repeats."""

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from jobs.console.arg_types import size, whole
from jobs.console.data_flags import DATA_FLAGS, DataOptions, add_data_arguments
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.training.fitting.recipes import Recipe

_image_size = partial(size, least=32)

# One table for the parser and for the command that the card repeats.
_FLAGS: dict[str, dict[str, Any]] = {
    "network": {
        "default": "lite0",
        "metavar": "NAME",
        "help": "lite0, lite1, lite2, assignment-cnn, or any network of keras.applications (default: %(default)s)",
    },
    "start-from": {
        "metavar": "BUNDLE",
        "help": "warm start: take all weights except the head's from a bundle with the same network",
    },
    "size": {"type": _image_size, "metavar": "HxW", "help": "image size in pixels for scoring"},
    "train-size": {
        "action": "append",
        "default": [],
        "type": _image_size,
        "metavar": "HxW",
        "help": "image size in pixels for training; repeatable: the sizes are used one after the other",
    },
    "epochs": {"type": whole, "metavar": "N", "help": "total epochs"},
    "head-epochs": {
        "type": partial(whole, least=0),
        "metavar": "N",
        "help": "first epochs, in which only the head trains",
    },
    "batch-size": {"type": whole, "metavar": "N", "help": "training batch size"},
    "learning-rate": {"type": float, "metavar": "RATE", "help": "peak learning rate"},
    "balance": {
        "type": float,
        "metavar": "SHARE",
        "help": "how epochs sample classes: 0 in proportion to their frequency, 1 equally often",
    },
    "label-smoothing": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of each target that is spread over all classes",
    },
    "mixup": {"type": float, "metavar": "SHARE", "help": "share of batches whose photographs are blended (mixup)"},
    "taught-by": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "distillation: a teacher network, trained first, whose predictions this one learns as well as the "
        "labels; repeatable",
    },
    "teaching": {
        "type": float,
        "metavar": "SHARE",
        "help": "teacher weight: share of each target that is the predictions of --taught-by",
    },
    "teacher-epochs": {"type": whole, "metavar": "N", "help": "epochs of each network in --taught-by"},
    "precision": {
        "choices": ("float32", "bfloat16"),
        "default": "float32",
        "help": "numeric precision of training; bfloat16 is for GPUs (default: %(default)s)",
    },
    "look": {"choices": ("views", "augmentor"), "help": "augmentation policy for training photographs"},
    "rule": {
        "choices": ("balanced", "argmax"),
        "default": "balanced",
        "help": "decision rule for top_label (default: %(default)s)",
    },
    "review-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "share of photographs that may be referred to a person for low confidence (default: %(default)s)",
    },
    "by": {
        "metavar": "COLUMNS",
        "help": "columns of the tables in --data and --reference for evaluating subgroups, such as age,sex",
    },
    "data-description": {
        "metavar": "TEXT",
        "help": "description of the data for the card (default: the values of --data)",
    },
    "data-licence": {
        "required": True,
        "metavar": "FILE|TEXT",
        "help": "terms of the data, which also apply to the bundle",
    },
    "limit": {
        "action": "append",
        "default": [],
        "metavar": "TEXT",
        "help": "a sentence for the known limits on the card; repeatable",
    },
    "output": {"required": True, "metavar": "FOLDER", "help": "local folder that becomes the bundle"},
    "name": {"metavar": "TEXT", "help": "name of the bundle on its card (default: the folder's name)"},
}
# Flag and field of the recipe, for the flags that override a recipe.
_RECIPE_FIELDS = {
    **{
        name: name
        for name in ("size", "epochs", "head_epochs", "batch_size", "learning_rate", "balance", "label_smoothing")
    },
    "mixup": "mixup",
    "look": "augmentation",
}
_TEACHER_FIELDS = {"teaching": "teacher_weight", "teacher_epochs": "teacher_epochs"}


@dataclass(frozen=True)
class TrainOptions(DataOptions):
    """Arguments of `melanoma train`, see the help of each flag; None where a recipe decides."""

    network: str
    start_from: str | None
    size: tuple[int, int] | None
    train_size: tuple[tuple[int, int], ...]
    epochs: int | None
    head_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    balance: float | None
    label_smoothing: float | None
    mixup: float | None
    taught_by: tuple[str, ...]
    teaching: float | None
    teacher_epochs: int | None
    precision: str
    look: str | None
    rule: str
    review_share: float
    by: str | None
    data_description: str | None
    data_licence: str
    limit: tuple[str, ...]
    output: str
    name: str | None
    processes: int
    resume: bool

    def recipe(self, default: "Recipe") -> "Recipe":
        """Returns a network's recipe with the changes that the flags ask for.

        Raises:
            UsageError: No epoch would train more than the head.
        """
        fields = _RECIPE_FIELDS | _TEACHER_FIELDS
        given = {field: value for flag, field in fields.items() if (value := getattr(self, flag)) is not None}
        if sizes := self.train_size or (self.size and (self.size,)):
            given["train_sizes"] = sizes
        recipe = replace(default, teachers=self.taught_by, **given)
        if self.head_epochs is None:
            return recipe.with_epochs(recipe.epochs)
        if self.head_epochs >= recipe.epochs:
            raise UsageError(f"--head-epochs {self.head_epochs}: must be fewer than --epochs, which is {recipe.epochs}")
        return recipe

    def resolved(self, recipe: "Recipe") -> Self:
        """Returns the options with every value that a recipe decided, so that a card can repeat all of them."""
        fields = _RECIPE_FIELDS | (_TEACHER_FIELDS if recipe.teachers else {})
        values: dict[str, Any] = {flag: getattr(recipe, field) for flag, field in fields.items()}
        return replace(self, train_size=recipe.train_sizes, **values)

    def command(self) -> str:
        """Returns the command line of these options, without those that do not change the outcome."""
        words = ["melanoma", "train"]
        for name in [*DATA_FLAGS, *_FLAGS]:
            words += _words(f"--{name}", getattr(self, name.replace("-", "_")))
        return shlex.join(words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `melanoma train`."""
    add_data_arguments(parser)
    for name, details in _FLAGS.items():
        parser.add_argument(f"--{name}", **details)
    parser.add_argument(
        "--processes",
        type=partial(whole, least=0),
        default=0,
        metavar="N",
        help="processes that load photographs; changes only the speed, useful with GPUs (default: threads)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the training in --output after its last completed epoch"
    )


def _words(flag: str, value: object) -> Iterator[str]:
    """Yields the words of a flag: repeatable flags hold tuples, and a size is a tuple of two numbers."""
    if value is True:
        yield flag
    elif isinstance(value, tuple) and not (value and isinstance(value[0], int)):
        for item in value:
            yield from _words(flag, item)
    elif value is not None and value is not False:
        yield flag
        yield f"{value[0]}x{value[1]}" if isinstance(value, tuple) else str(value)
