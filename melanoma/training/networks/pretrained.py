"""Networks that start from ImageNet weights: EfficientNet-Lite, and those of `keras.applications`."""

import sys

import keras
import numpy as np

from melanoma.errors import UsageError
from melanoma.training.networks import efficientnet
from melanoma.training.networks.imagenet_weights import load_imagenet
from melanoma.training.networks.layers import SCALING, Size, classification_head

_DROPOUT = 0.3  # before the classification head


def efficientnet_lite(variant: str, num_classes: int, size: Size) -> keras.Model:
    """Builds an EfficientNet-Lite with ImageNet weights and a new head.

    Args:
        variant: `lite0`, `lite1` or `lite2`.
        num_classes: At least 2.
        size: Height and width in pixels, each at least 32, or None for any.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, num_classes).

    Raises:
        UsageError: The package with the weights is not installed.
    """
    pixels = keras.Input((*size, 3), name="pixels")
    features = efficientnet.features(pixels, efficientnet.VARIANTS[variant])
    network = keras.Model(pixels, classification_head(features, num_classes, _DROPOUT), name=variant)
    load_imagenet(network, variant)
    return network


def keras_applications() -> list[str]:
    """Returns the names of all networks in `keras.applications`, sorted."""
    return sorted(name for name in dir(keras.applications) if name[0].isupper())


def keras_application(name: str, num_classes: int, size: Size) -> keras.Model:
    """Builds a network of `keras.applications` with ImageNet weights, which Keras downloads, and a new head.

    Args:
        name: One of `keras_applications()`.
        num_classes: At least 2.
        size: Height and width in pixels, or None for any.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, num_classes).

    Raises:
        UsageError: The weights cannot be downloaded.
    """
    pixels = keras.Input((*size, 3), name="pixels")
    build = getattr(keras.applications, name)
    try:
        body = build(include_top=False, weights="imagenet", input_tensor=preprocess(pixels, name))
    except Exception as error:  # noqa: BLE001 - Keras raises a plain Exception when a download fails
        raise UsageError(
            f"{name}: Keras could not load its ImageNet weights ({error}); they are downloaded once, so check the "
            "internet connection"
        ) from None
    return keras.Model(pixels, classification_head(body.output, num_classes, _DROPOUT), name=name.lower())


def preprocess(pixels: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Scales pixels, 0 to 255, as `preprocess_input` of a network of `keras.applications` does.

    Each `preprocess_input` is an affine map of the channels of one pixel, so that four probe colours determine it. It
    becomes a 1x1 convolution named `SCALING` that is not trained, or nothing where the network scales its own input.
    """
    preprocess_input = sys.modules[getattr(keras.applications, name).__module__].preprocess_input
    probes = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
    mapped = np.asarray(preprocess_input(probes.reshape(1, 2, 2, 3).copy())).reshape(4, 3)
    offset, kernel = mapped[0], mapped[1:] - mapped[0]
    if np.allclose(kernel, np.eye(3)) and not offset.any():
        return pixels
    scaling = keras.layers.Conv2D(3, 1, trainable=False, name=SCALING)
    scaled = scaling(pixels)
    scaling.set_weights([kernel.reshape(1, 1, 3, 3), offset])
    return scaled
