"""The arguments of `melanoma train` as one frozen object, completed by a recipe and written out again for the card."""

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from jobs.console.command_lines import flag_words
from jobs.console.data_flags import DATA_FLAGS, DataOptions
from jobs.console.external_flags import ExternalOptions
from jobs.training.flags import TRAIN_FLAGS
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.training.fitting.recipes import Recipe

# Flag and field of the recipe, for the flags that override a recipe.
_RECIPE_FIELDS = {
    **{
        name: name
        for name in ("size", "epochs", "head_epochs", "batch_size", "learning_rate", "balance", "label_smoothing")
    },
    "mixup": "mixup",
    "augmentation": "augmentation",
}
_TEACHER_FIELDS = {"distill_weight": "teacher_weight", "teacher_epochs": "teacher_epochs"}


@dataclass(frozen=True)
class TrainOptions(DataOptions, ExternalOptions):
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
    teacher: tuple[str, ...]
    distill_weight: float | None
    teacher_epochs: int | None
    precision: str
    augmentation: str | None
    views: int | None
    rule: str
    review_share: float
    by: str | None
    external_root: tuple[str, ...]
    data_description: str | None
    data_licence: str
    limitation: tuple[str, ...]
    output: str
    name: str | None
    processes: int
    resume: bool
    tensorboard: str | None
    quiet: bool

    def recipe(self, default: "Recipe") -> "Recipe":
        """Returns a network's recipe with the changes that the flags request.

        Raises:
            UsageError: No epoch would train more than the head.
        """
        fields = _RECIPE_FIELDS | _TEACHER_FIELDS
        given = {field: value for flag, field in fields.items() if (value := getattr(self, flag)) is not None}
        if sizes := self.train_size or (self.size and (self.size,)):
            given["train_sizes"] = sizes
        recipe = replace(default, teachers=self.teacher, **given)
        if self.head_epochs is None:
            return recipe.with_epochs(recipe.epochs)
        if self.head_epochs >= recipe.epochs:
            raise UsageError(f"--head-epochs {self.head_epochs}: must be fewer than --epochs, which is {recipe.epochs}")
        return recipe

    def resolved(self, recipe: "Recipe") -> Self:
        """Returns the options with all values of the recipe filled in, so that the card can repeat them."""
        fields = _RECIPE_FIELDS | (_TEACHER_FIELDS if recipe.teachers else {})
        values: dict[str, Any] = {flag: getattr(recipe, field) for flag, field in fields.items()}
        return replace(self, train_size=recipe.train_sizes, **values)

    def command(self) -> str:
        """Returns the command line of these options, without those that do not change the outcome."""
        words = ["melanoma", "train"]
        for name in [*DATA_FLAGS, *TRAIN_FLAGS]:
            words += flag_words(f"--{name}", getattr(self, name.replace("-", "_")))
        return shlex.join(words)
