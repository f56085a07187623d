"""How a training is watched: figures of every epoch, on photographs that it does not learn from."""

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import Part
from melanoma.images.decoding import ImageSpec

History = list[dict[str, float]]
_SMALLEST = 1e-7  # of a probability that becomes a logarithm, or a share that divides
_BATCH = 64
_MOST = 100  # photographs of each class that are judged after every epoch


class Monitor:
    """The first photographs of each class of a part: enough to watch, too few to judge."""

    def __init__(self, part: Part, spec: ImageSpec) -> None:
        """Decodes them.

        Args:
            part: Of validation.
            spec: What scoring will see.
        """
        classes = np.unique(part.truth)
        chosen = np.concatenate([np.flatnonzero(part.truth == label)[:_MOST] for label in classes])
        self._truth = part.truth[chosen]
        self._pixels = load_pixels([part.photographs[index] for index in chosen], spec)

    def judge(self, network: keras.Model, prior: npt.NDArray[np.float64]) -> dict[str, float]:
        """Gives figures of a network whose probabilities refer to a prior, see `validate`."""
        return validate(network, self._pixels, self._truth, prior)


def validate(
    network: keras.Model,
    pixels: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float64],
) -> dict[str, float]:
    """Judges a network between epochs.

    Args:
        network: To probabilities (photographs, labels).
        pixels: uint8 (photographs, height, width, 3).
        truth: int64 (photographs,).
        prior: Class shares that the probabilities refer to, (labels,).

    Returns:
        `val_loss`, the mean cross-entropy in which every class counts alike, and `val_accuracy`, the balanced accuracy
        of the likeliest class under equal shares, both among the classes that have a photograph.
    """
    present = np.unique(truth)
    weights = np.zeros(len(prior))
    weights[present] = 1 / np.maximum(prior[present], _SMALLEST)
    # Whole batches only: some backends would compile for another size once more.
    rows = np.arange(-(-len(pixels) // _BATCH) * _BATCH) % len(pixels)
    probabilities = network.predict(pixels[rows], batch_size=_BATCH, verbose=0)[: len(pixels)] * weights
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), _SMALLEST)
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], _SMALLEST))
    right = probabilities.argmax(axis=1) == truth
    return {
        "val_loss": float(np.mean([losses[truth == label].mean() for label in present])),
        "val_accuracy": float(np.mean([right[truth == label].mean() for label in present])),
    }


def history_csv(history: History) -> bytes:
    """Spells the figures of every epoch, a line each."""
    names = list(history[0]) if history else []
    lines = [",".join(["epoch", *names])]
    lines += [",".join(map(str, (number, *(row[name] for name in names)))) for number, row in enumerate(history, 1)]
    return ("\n".join(lines) + "\n").encode()
