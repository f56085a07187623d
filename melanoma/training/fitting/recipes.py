"""The default settings for training each network."""

from dataclasses import dataclass, replace
from typing import Any, Self

from melanoma.training.networks.registry import NETWORKS

# Names under which `bundle.json` has always kept these fields.
_JSON_NAMES = {"augmentation": "look", "teachers": "taught_by", "teacher_weight": "teaching"}


@dataclass(frozen=True)
class Recipe:
    """All settings of a training besides its data and seed.

    Attributes:
        size: Height and width of the images that are scored.
        crop: Share of the largest centred square that is scored; None for the whole photograph, stretched.
        train_sizes: Heights and widths of training images, in the order in which they are used.
        epochs: Total epochs.
        head_epochs: First epochs, in which only the head trains.
        batch_size: Photographs per step.
        learning_rate: Peak learning rate.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Share of each target spread over all classes.
        mixup: Share of batches whose photographs are blended with each other.
        averaging: Momentum of the running average of the weights, per step.
        balance: 0 draws classes in proportion to their frequency, 1 equally often.
        max_repeats: How often an epoch may show the same photograph.
        augmentation: Name of the augmentation policy, `views`, `hospitals` or `augmentor`.
        teachers: Names of networks that are trained first, as teachers of this one; empty to learn from labels only.
        teacher_weight: Weight of the teachers' mean prediction in each target.
        teacher_epochs: Epochs of each teacher.
    """

    size: tuple[int, int]
    crop: float | None
    train_sizes: tuple[tuple[int, int], ...]
    epochs: int
    head_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    mixup: float
    averaging: float
    balance: float
    max_repeats: int
    augmentation: str
    teachers: tuple[str, ...] = ()
    teacher_weight: float = 0.7
    teacher_epochs: int = 21

    def with_epochs(self, epochs: int) -> Self:
        """Returns the same recipe for another number of epochs, of which at least one trains more than the head."""
        return replace(self, epochs=epochs, head_epochs=min(self.head_epochs, epochs - 1))

    def for_teacher(self, *, is_pretrained: bool) -> Self:
        """Returns the recipe of a teacher: the same settings, its own number of epochs, and no teachers."""
        recipe = replace(self, teachers=()).with_epochs(self.teacher_epochs)
        return recipe if is_pretrained else replace(recipe, head_epochs=0)

    def to_json(self) -> dict[str, Any]:
        """Returns the settings as `bundle.json` keeps them."""
        return {_JSON_NAMES.get(name, name): value for name, value in vars(self).items()}


_ASSIGNMENT = Recipe(
    size=(112, 112),
    crop=None,
    train_sizes=((112, 112),),
    epochs=100,
    head_epochs=0,
    batch_size=16,
    learning_rate=1e-3,
    weight_decay=0.0,
    label_smoothing=0.05,
    mixup=0.0,
    averaging=0.99,
    balance=1.0,
    max_repeats=6,
    augmentation="augmentor",
)
_TRANSFER = Recipe(
    size=(224, 224),
    crop=1.0,
    train_sizes=((128, 128), (160, 160), (192, 192)),
    epochs=21,
    head_epochs=1,
    batch_size=32,
    learning_rate=5e-4,
    weight_decay=0.05,
    label_smoothing=0.05,
    mixup=0.5,
    averaging=0.998,
    balance=0.5,
    max_repeats=6,
    augmentation="views",
)


def recipe_for(network: str) -> Recipe:
    """Returns the recipe of a network by name; all networks pretrained on ImageNet share one."""
    return _ASSIGNMENT if network in NETWORKS and not NETWORKS[network].is_pretrained else _TRANSFER
