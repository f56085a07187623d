"""How long a network trains, at which learning rate and on which image sizes."""

from dataclasses import dataclass
from typing import Any

import keras

_NO_DECAY = ("gamma", "beta", "bias")
# Longer gradients are clipped; otherwise the first steps of a new head would disturb the pretrained body.
_MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class Schedule:
    """Epochs, image sizes and learning rates of a training.

    Attributes:
        epochs: Total epochs, at least 1, including those of the head.
        sizes: Image heights and widths, in order; each is used for an equal number of epochs.
        head_epochs: First epochs, in which only the head trains; 0 for a network without pretrained weights.
        head_rate: Learning rate of the head epochs.
        learning_rate: Peak learning rate of all other epochs.
        warmup_epochs: Epochs over which the rate rises from 0; afterwards it falls to 0 along a cosine.
        weight_decay: Weight decay of AdamW, not applied to biases and normalisation (Loshchilov, Hutter 2019).
        label_smoothing: Share of each target spread over all classes, 0 to below 1 (Szegedy et al. 2016).
        averaging: Momentum of the running average of the weights, per step (Polyak, Juditsky 1992).
    """

    epochs: int
    sizes: tuple[tuple[int, int], ...]
    head_epochs: int = 0
    head_rate: float = 3e-3
    learning_rate: float = 5e-4
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    averaging: float = 0.998

    def size_of(self, epoch: int) -> tuple[int, int]:
        """Returns the image size of an epoch, counted from 0."""
        return self.sizes[min(epoch * len(self.sizes) // self.epochs, len(self.sizes) - 1)]

    def is_head_only(self, epoch: int) -> bool:
        """Returns whether an epoch, counted from 0, trains only the head."""
        return epoch < self.head_epochs

    def optimizer(self, steps: int, *, head_only: bool) -> keras.Optimizer:
        """Builds the optimizer of the head epochs, or of all others.

        Args:
            steps: Steps per epoch.
            head_only: Whether it is for the head epochs.
        """
        rate: Any = self.head_rate
        if not head_only:
            warmup = max(1, round(self.warmup_epochs * steps))
            falling = max(1, (self.epochs - self.head_epochs) * steps - warmup)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, falling, warmup_target=self.learning_rate, warmup_steps=warmup
            )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=self.weight_decay, global_clipnorm=_MAX_GRADIENT_NORM)
        optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
        return optimizer
