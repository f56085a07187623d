"""The training part as Keras draws from it: an epoch at a time, each photograph seen anew."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import Part
from melanoma.images.pixels import Pixels
from melanoma.training.data.loader import Size, Viewer
from melanoma.training.data.mixup import blended
from melanoma.training.data.sampling import draw


@dataclass(frozen=True)
class Drawing:
    """How an epoch is drawn, see `sampling.draw`.

    Attributes:
        batch_size: Photographs in a step, at least 1.
        seed: At least 0.
        draws: Photographs in an epoch; None for as many as the training part has.
        balance: 0 to 1.
        max_repeats: Of one photograph in an epoch.
        mixup: Share of batches that are blended with themselves, 0 to 1.
    """

    batch_size: int
    seed: int
    draws: int | None = None
    balance: float = 1.0
    max_repeats: int = 6
    mixup: float = 0.0


class Epoch(keras.utils.PyDataset):
    """One epoch.

    Attributes:
        drawn: int64 (draws,), indices into the training part.
    """

    def __init__(self, part: Part, labels: int, drawing: Drawing, viewer: Viewer, number: int, size: Size) -> None:
        """Draws epoch `number`, at least 0, of a training part with so many labels; photographs come out in `size`."""
        super().__init__(workers=viewer.at_once, max_queue_size=4 * viewer.at_once)
        self._part, self._drawing, self._viewer, self._number, self._size = part, drawing, viewer, number, size
        self._targets = np.eye(labels, dtype=np.float32)[part.truth]
        draws = drawing.draws or len(part.truth)
        drawn = draw(part.truth, (drawing.seed, number), draws, drawing.balance, drawing.max_repeats)
        # A last batch that is not full would weigh its photographs more, and be compiled for once more.
        self.drawn = drawn[: len(drawn) // drawing.batch_size * drawing.batch_size or None]

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.drawn) // self._drawing.batch_size)

    def __getitem__(self, batch: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Gives the pixels and targets (each of sum 1) of a batch; a batch of an epoch is always the same."""
        start = batch * self._drawing.batch_size
        drawn = self.drawn[start : start + self._drawing.batch_size]
        photographs = [self._part.photographs[index] for index in drawn]
        keys = [(self._drawing.seed, self._number, start + offset) for offset in range(len(drawn))]
        views = self._viewer.see(photographs, self._size, keys)
        key = (self._drawing.seed, self._number, batch)
        return blended(views, self._targets[drawn], self._drawing.mixup, key)

    def shares(self) -> npt.NDArray[np.float64]:
        """Gives the share of each class, (labels,), sum 1: the prior that the network learns."""
        counts = np.bincount(self._part.truth[self.drawn], minlength=self._targets.shape[1])
        return np.asarray(counts / counts.sum())
