"""Training epochs for Keras: each one samples the training part and augments every photograph anew."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import Part
from melanoma.images.pixels import Pixels
from melanoma.training.data.loader import DataLoader, Size
from melanoma.training.data.mixup import mixup
from melanoma.training.data.sampling import sample_epoch


@dataclass(frozen=True)
class EpochConfig:
    """How epochs are sampled and batched. Checkpoints store the fields by name.

    Attributes:
        batch_size: Photographs per step, at least 1.
        seed: At least 0.
        draws: Photographs per epoch; None for as many as the training part has.
        balance: 0 to 1, see `sampling.class_shares`.
        max_repeats: How often one photograph may occur in an epoch.
        mixup: Share of the batches that mixup changes, 0 to 1.
    """

    batch_size: int
    seed: int
    draws: int | None = None
    balance: float = 1.0
    max_repeats: int = 6
    mixup: float = 0.0


class Epoch(keras.utils.PyDataset):
    """One epoch of batches.

    Attributes:
        indices: int64 (draws,), the sampled photographs as indices into the training part.
    """

    def __init__(
        self, part: Part, num_classes: int, config: EpochConfig, loader: DataLoader, number: int, size: Size
    ) -> None:
        """Samples one epoch; reads no file yet.

        Args:
            part: The training part.
            num_classes: Number of classes, including those without photographs.
            config: How epochs are sampled.
            loader: Reads and augments the photographs.
            number: Number of the epoch, at least 0.
            size: Height and width of the photographs in pixels.
        """
        super().__init__(workers=loader.workers, max_queue_size=4 * loader.workers)
        self._part, self._config, self._loader, self._number, self._size = part, config, loader, number, size
        self._targets = np.eye(num_classes, dtype=np.float32)[part.truth]
        draws = config.draws or len(part.truth)
        sampled = sample_epoch(part.truth, (config.seed, number), draws, config.balance, config.max_repeats)
        # Drop an incomplete last batch: it would give its photographs more weight and need a second compilation.
        self.indices = sampled[: len(sampled) // config.batch_size * config.batch_size or None]

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.indices) // self._config.batch_size)

    def __getitem__(self, batch: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Returns one batch, always the same for the same number.

        Returns:
            Pixels, uint8 (photographs, height, width, 3), and targets, float32 (photographs, classes), rows sum to 1.
        """
        start = batch * self._config.batch_size
        indices = self.indices[start : start + self._config.batch_size]
        photographs = [self._part.photographs[index] for index in indices]
        keys = [(self._config.seed, self._number, start + offset) for offset in range(len(indices))]
        pixels = self._loader.load(photographs, self._size, keys)
        key = (self._config.seed, self._number, batch)
        return mixup(pixels, self._targets[indices], self._config.mixup, key)

    def class_shares(self) -> npt.NDArray[np.float64]:
        """Returns the share of each class in the epoch, float64 (classes,), sum 1: the prior the network learns."""
        counts = np.bincount(self._part.truth[self.indices], minlength=self._targets.shape[1])
        return np.asarray(counts / counts.sum())
