"""How unlike the training photographs one is: a second output of the network, made of plain layers.

Lee, Lee, Lee, Shin: "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks",
NeurIPS 2018: the Mahalanobis distance of a photograph's features, of several depths, from those of the training
photographs. Here one normal distribution serves all classes (the marginal distance of Kamoi, Kobayashi: "Why is the
Mahalanobis Distance Effective for Anomaly Detection?", 2020), with a covariance shrunk as Ledoit and Wolf do ("A
well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Anal. 88, 2004).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from sklearn.covariance import ledoit_wolf

from melanoma.images.pixels import Pixels
from melanoma.model.decision import OOD_SCORE

Features = npt.NDArray[np.floating[Any]]

OOD_THRESHOLD = 0.5  # the score of the photograph that is unlike the training set at the quantile below
QUANTILE = 0.99  # of the validation photographs
_SMALLEST = 1e-6  # of the largest variance: below it, a direction in which nothing varies


class Whitening(NamedTuple):
    """A linear map under which the training photographs spread by 1 in every direction.

    Attributes:
        kernel: float32 (features, features kept).
        bias: float32 (features kept,).
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def with_familiarity(
    network: keras.Model,
    layer_names: Sequence[str],
    train_pixels: Pixels,
    validation_pixels: Pixels,
    batch_size: int,
) -> keras.Model:
    """Adds the output `ood_score`: 0 for the most familiar photographs, towards 1 for strange ones.

    The squared distance d becomes d / (tau + d), with tau the 99 % quantile of the validation photographs: a score
    above 0.5 says that a photograph is further from the training photographs than 99 of 100 validation photographs.

    Args:
        network: From float (n, height, width, 3), pixels as the bundle's scaling leaves them, to probabilities.
        layer_names: Of feature maps (n, height, width, channels), whose averages are compared. Those of middle depth
            serve best: the first ones take every other camera for strange, and the last one, sparse and wide, is silent
            for most strange pictures.
        train_pixels: uint8 (photographs, height, width, 3), not augmented; more of them than there are channels.
        validation_pixels: The same, of other lesions.
        batch_size: Photographs in a step.

    Returns:
        The network with two outputs, `probabilities` (n, labels) and `ood_score` (n, 1); its layers are shared.
    """
    features = _averages(network, layer_names)
    extractor = keras.Model(network.input, features)
    whitening = whiten(_predict(extractor, train_pixels, batch_size))
    whitened = keras.layers.Dense(len(whitening.bias), name="familiarity_whitening")
    distance = keras.layers.Dot(axes=1, name="familiarity_distance")
    v = whitened(features)
    squared = distance([v, v])
    whitened.set_weights(list(whitening))
    distances = _predict(keras.Model(network.input, squared), validation_pixels, batch_size)
    score = keras.layers.Dense(1, use_bias=False, activation="softsign", name=OOD_SCORE)
    outputs = [network.output, score(squared)]
    score.set_weights([np.array([[1 / np.quantile(distances, QUANTILE)]], np.float32)])
    return keras.Model(network.input, outputs, name=network.name)


def whiten(features: Features) -> Whitening:
    """Fits mean and shrunk covariance of float (photographs, features) and gives the map that whitens them."""
    features = np.asarray(features, np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale <= _SMALLEST * scale.max()] = np.inf  # a channel that is silent tells nothing
    covariance, _ = ledoit_wolf((features - mean) / scale, assume_centered=True)
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > _SMALLEST * variances.max()
    kernel = directions[:, kept] / np.sqrt(variances[kept]) / scale[:, None]
    return Whitening(kernel.astype(np.float32), (-mean @ kernel).astype(np.float32))


def _averages(network: keras.Model, layer_names: Sequence[str]) -> keras.KerasTensor:
    """Averages feature maps over the photograph and lays them side by side, (n, channels of all)."""
    averages = [
        keras.layers.GlobalAveragePooling2D(name=f"familiarity_{name}")(network.get_layer(name).output)
        for name in layer_names
    ]
    return keras.layers.Concatenate(name="familiarity_features")(averages) if len(averages) > 1 else averages[0]


def _predict(network: keras.Model, pixels: Pixels, batch_size: int) -> Features:
    found: Features = network.predict(pixels, batch_size=batch_size, verbose=0)
    return found
