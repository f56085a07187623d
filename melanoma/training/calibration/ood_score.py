"""The out-of-distribution (OOD) score: a second output of the network, made of plain layers.

It is the Mahalanobis distance of a photograph's features, from several depths, to those of the training photographs
(Lee, Lee, Lee, Shin: "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks",
NeurIPS 2018). One normal distribution serves all classes, which is the marginal distance of Kamoi, Kobayashi: "Why is
the Mahalanobis Distance Effective for Anomaly Detection?", 2020. Its covariance is shrunk (Ledoit, Wolf: "A
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

OOD_THRESHOLD = 0.5  # the score at the quantile below, by construction
QUANTILE = 0.99  # share of the validation photographs at or below the threshold
_SMALLEST = 1e-6  # share of the largest variance below which a direction counts as constant


class Whitening(NamedTuple):
    """An affine map, features @ kernel + bias, that gives the training features mean 0 and variance 1 everywhere.

    Attributes:
        kernel: float32 (features, directions).
        bias: float32 (directions,).
    """

    kernel: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def add_ood_output(
    network: keras.Model,
    feature_layers: Sequence[str],
    train_pixels: Pixels,
    validation_pixels: Pixels,
    batch_size: int,
) -> keras.Model:
    """Adds the output `ood_score`, from 0 for photographs like the training photographs towards 1 for others.

    The squared distance d becomes d / (tau + d), where tau is the 99 % quantile over the validation photographs. So a
    photograph with a score above 0.5 is further from the training photographs than 99 % of the validation photographs.

    Args:
        network: From float (n, height, width, 3), pixels after the bundle's scaling, to probabilities.
        feature_layers: Names of layers with feature maps (n, height, width, channels), whose spatial averages are
            compared. Middle depths work best: the first layers react to every other camera, and the last one is wide
            and sparse, and stays near 0 for most OOD images.
        train_pixels: uint8 (photographs, height, width, 3), not augmented; more photographs than channels.
        validation_pixels: uint8 (photographs, height, width, 3) of other lesions.
        batch_size: Inference batch size.

    Returns:
        The network with the outputs `probabilities` (n, classes) and `ood_score` (n, 1); it shares the layers.
    """
    features = _averages(network, feature_layers)
    extractor = keras.Model(network.input, features)
    whitening = whiten(_predict(extractor, train_pixels, batch_size))
    # The layer names are part of every bundle's network file, and so of its model id.
    whiten_layer = keras.layers.Dense(len(whitening.bias), name="familiarity_whitening")
    distance = keras.layers.Dot(axes=1, name="familiarity_distance")
    whitened = whiten_layer(features)
    squared = distance([whitened, whitened])
    whiten_layer.set_weights(list(whitening))
    distances = _predict(keras.Model(network.input, squared), validation_pixels, batch_size)
    score = keras.layers.Dense(1, use_bias=False, activation="softsign", name=OOD_SCORE)
    outputs = [network.output, score(squared)]
    score.set_weights([np.array([[1 / np.quantile(distances, QUANTILE)]], np.float32)])
    return keras.Model(network.input, outputs, name=network.name)


def whiten(features: Features) -> Whitening:
    """Estimates mean and shrunk covariance and returns the map that whitens them.

    Args:
        features: float (photographs, features). Constant features are ignored, as are directions without variance.
    """
    features = np.asarray(features, np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale <= _SMALLEST * scale.max()] = np.inf  # a constant feature gets weight 0
    covariance, _ = ledoit_wolf((features - mean) / scale, assume_centered=True)
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > _SMALLEST * variances.max()
    kernel = directions[:, kept] / np.sqrt(variances[kept]) / scale[:, None]
    return Whitening(kernel.astype(np.float32), (-mean @ kernel).astype(np.float32))


def _averages(network: keras.Model, feature_layers: Sequence[str]) -> keras.KerasTensor:
    """Averages each feature map over its pixels and concatenates them, (n, channels of all layers)."""
    averages = [
        keras.layers.GlobalAveragePooling2D(name=f"familiarity_{name}")(network.get_layer(name).output)
        for name in feature_layers
    ]
    return keras.layers.Concatenate(name="familiarity_features")(averages) if len(averages) > 1 else averages[0]


def _predict(network: keras.Model, pixels: Pixels, batch_size: int) -> Features:
    outputs: Features = network.predict(pixels, batch_size=batch_size, verbose=0)
    return outputs
