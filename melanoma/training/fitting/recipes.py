"""How each network is trained unless told otherwise."""

from dataclasses import dataclass, replace
from typing import Self

from melanoma.training.networks.registry import NETWORKS


@dataclass(frozen=True)
class Recipe:
    """What a training needs to know besides its data.

    Attributes:
        size: Height and width that scoring sees.
        crop: Share of the largest centred square that it sees; None for the whole photograph, stretched.
        train_sizes: Heights and widths that training grows through.
        epochs: In all.
        head_epochs: First epochs in which only the head learns.
        batch_size: Photographs in a step.
        learning_rate: At its highest.
        weight_decay: Of AdamW.
        label_smoothing: Share of each target spread over all classes.
        mixup: Share of batches that are blended with themselves.
        averaging: Momentum of the running average of the weights, per step.
        balance: 0 draws classes as frequent as they are, 1 all alike.
        max_repeats: Times that a photograph may come up in an epoch.
        look: `views` or `augmentor`.
        taught_by: Names of networks that are trained first and then teach this one; none for labels alone.
        teaching: Share of each target that is their mean answer.
        teacher_epochs: Of each of them.
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
    look: str
    taught_by: tuple[str, ...] = ()
    teaching: float = 0.7
    teacher_epochs: int = 21

    def lasting(self, epochs: int) -> Self:
        """Gives the same for so many epochs, of which at least one is for more than the head."""
        return replace(self, epochs=epochs, head_epochs=min(self.head_epochs, epochs - 1))


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
    look="augmentor",
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
    look="views",
)


def recipe_for(network: str) -> Recipe:
    """Gives the recipe of a network by its name; any that has seen ImageNet shares one."""
    return _ASSIGNMENT if network in NETWORKS and not NETWORKS[network].is_pretrained else _TRANSFER
