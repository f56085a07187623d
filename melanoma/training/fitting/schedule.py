"""How long, how fast and on what sizes a network learns."""

from dataclasses import dataclass
from typing import Any

import keras

_NO_DECAY = ("gamma", "beta", "bias")
_LONGEST_GRADIENT = 5.0  # longer ones are shortened: the first steps of a new head would shake the body


@dataclass(frozen=True)
class Schedule:
    """How long, how fast and on what sizes a network is trained.

    Attributes:
        epochs: At least 1, those of the head included.
        sizes: Heights and widths that training grows through, each for as many epochs.
        head_epochs: First epochs in which only the head learns; 0 for a network that knows nothing yet.
        head_rate: Learning rate of these.
        learning_rate: Of all layers at its highest.
        warmup_epochs: Over which it rises from nothing; afterwards it falls to nothing along a cosine.
        weight_decay: Of AdamW, not for biases and normalisation (Loshchilov, Hutter 2019).
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
        """Gives the size on which an epoch, counted from 0, trains."""
        return self.sizes[min(epoch * len(self.sizes) // self.epochs, len(self.sizes) - 1)]

    def optimizer(self, steps: int, head_only: bool) -> keras.Optimizer:
        """Makes the optimizer of the head's epochs, or of all others.

        Args:
            steps: Of an epoch.
            head_only: Which of them.
        """
        rate: Any = self.head_rate
        if not head_only:
            warmup = max(1, round(self.warmup_epochs * steps))
            falling = max(1, (self.epochs - self.head_epochs) * steps - warmup)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, falling, warmup_target=self.learning_rate, warmup_steps=warmup
            )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=self.weight_decay, global_clipnorm=_LONGEST_GRADIENT)
        optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
        return optimizer
