"""Metrics after every epoch, on validation photographs: enough to watch a training, too few to evaluate it."""

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import Part
from melanoma.images.decoding import ImageSpec

History = list[dict[str, float]]
_SMALLEST = 1e-7  # lower bound of probabilities inside a logarithm, and of shares that divide
_BATCH = 64
_MAX_PER_CLASS = 100  # photographs of each class that are scored after every epoch


class Monitor:
    """The first photographs of each class of the validation part, decoded once."""

    def __init__(self, part: Part, spec: ImageSpec) -> None:
        """Decodes the photographs.

        Args:
            part: Validation part.
            spec: How photographs are decoded when they are scored.
        """
        classes = np.unique(part.truth)
        chosen = np.concatenate([np.flatnonzero(part.truth == label)[:_MAX_PER_CLASS] for label in classes])
        self._truth = part.truth[chosen]
        self._pixels = load_pixels([part.photographs[index] for index in chosen], spec)

    def measure(self, network: keras.Model, prior: npt.NDArray[np.float64]) -> dict[str, float]:
        """Returns the metrics of a network whose probabilities refer to a prior; see `validate`."""
        return validate(network, self._pixels, self._truth, prior)


def validate(
    network: keras.Model,
    pixels: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float64],
) -> dict[str, float]:
    """Measures a network between epochs, with every class weighted equally.

    Args:
        network: Network to probabilities, shape (photographs, classes).
        pixels: uint8, shape (photographs, height, width, 3).
        truth: int64 class indices, shape (photographs,).
        prior: Class shares that the probabilities refer to, shape (classes,).

    Returns:
        `val_loss`, the mean over classes of the cross-entropy, and `val_accuracy`, the balanced accuracy of the most
        likely class. Probabilities are first converted to equal class shares; classes without a photograph are
        left out of both.
    """
    present = np.unique(truth)
    weights = np.zeros(len(prior))
    weights[present] = 1 / np.maximum(prior[present], _SMALLEST)
    # Full batches only: some backends would compile the network again for another batch size.
    rows = np.arange(-(-len(pixels) // _BATCH) * _BATCH) % len(pixels)
    probabilities = network.predict(pixels[rows], batch_size=_BATCH, verbose=0)[: len(pixels)] * weights
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), _SMALLEST)
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], _SMALLEST))
    correct = probabilities.argmax(axis=1) == truth
    return {
        "val_loss": float(np.mean([losses[truth == label].mean() for label in present])),
        "val_accuracy": float(np.mean([correct[truth == label].mean() for label in present])),
    }


def history_csv(history: History) -> bytes:
    """Returns the metrics of every epoch as CSV, one row per epoch, counted from 1."""
    names = list(history[0]) if history else []
    lines = [",".join(["epoch", *names])]
    lines += [",".join(map(str, (number, *(row[name] for name in names)))) for number, row in enumerate(history, 1)]
    return ("\n".join(lines) + "\n").encode()
