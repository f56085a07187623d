"""The training part as Keras draws from it: an epoch at a time, each photograph seen anew."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from melanoma.labelled.datasets import Photograph, read_file
from melanoma.labelled.splits import Part
from melanoma.learning.looks import Look
from melanoma.learning.mixing import blended
from melanoma.learning.sampling import draw

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
_OTHER_FILE = 0.25  # share of draws that look at another file of the photograph, where there is one


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

    def __init__(self, part: Part, labels: int, drawing: Drawing, look: Look, number: int, size: Size) -> None:
        """Draws epoch `number`, at least 0, of a training part with so many labels; photographs come out in `size`."""
        super().__init__(workers=look.threads, max_queue_size=4 * look.threads)
        self._part, self._drawing, self._look, self._number, self._size = part, drawing, look, number, size
        self._targets = np.eye(labels, dtype=np.float32)[part.truth]
        draws = drawing.draws or len(part.truth)
        self.drawn = draw(part.truth, (drawing.seed, number), draws, drawing.balance, drawing.max_repeats)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.drawn) // self._drawing.batch_size)

    def __getitem__(self, batch: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Gives the pixels and targets (each of sum 1) of a batch; a batch of an epoch is always the same."""
        start = batch * self._drawing.batch_size
        drawn = self.drawn[start : start + self._drawing.batch_size]
        views = [
            self._view(self._part.photographs[index], (self._drawing.seed, self._number, start + offset))
            for offset, index in enumerate(drawn)
        ]
        key = (self._drawing.seed, self._number, batch)
        return blended(np.stack(views), self._targets[drawn], self._drawing.mixup, key)

    def _view(self, photograph: Photograph, key: tuple[int, ...]) -> Pixels:
        dice, uri = np.random.default_rng((*key, 1)), photograph.uri
        if photograph.other_uris and dice.random() < _OTHER_FILE:
            uri = photograph.other_uris[dice.integers(len(photograph.other_uris))]
        return self._look.view(read_file(uri), self._size, key)

    def shares(self) -> npt.NDArray[np.float64]:
        """Gives the share of each class, (labels,), sum 1: the prior that the network learns."""
        counts = np.bincount(self._part.truth[self.drawn], minlength=self._targets.shape[1])
        return np.asarray(counts / counts.sum())
