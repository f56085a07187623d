"""Networks as plain Keras 3: pixels 0 to 255 in, class probabilities out, every scaling inside.

Each is a function of labels and size and uses the Keras API only, so that any Keras backend can train it.
"""

import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

import keras
import numpy as np

from melanoma.errors import UsageError
from melanoma.training.networks import efficientnet
from melanoma.training.networks.imagenet_weights import load_imagenet

BACKEND: str = keras.backend.backend()  # of Keras, that trains here
HEAD, SCALING = "probabilities", "scaling"
Size = tuple[int, int] | tuple[None, None]


class Network(NamedTuple):
    """A kind of network.

    Attributes:
        build: Makes it from the number of labels and (height, width), (None, None) for any size; weights are as
            training starts from them.
        is_pretrained: Whether all but the head knows something already.
        landmarks: Layers whose output says what a photograph looks like, from coarse texture to content.
        description: For people.
    """

    build: Callable[[int, Size], keras.Model]
    is_pretrained: bool
    landmarks: tuple[str, ...]
    description: str


def assignment_cnn(
    labels: int,
    size: Size,
    *,
    widths: tuple[int, ...] = (32, 64, 128, 192),
    dropout: float = 0.4,
    l2: float = 3e-4,
) -> keras.Model:
    """Builds a convolutional network from scratch: blocks of convolution and pooling, dropout, a dense head.

    The first block strides over every other pixel, and pooling comes before normalisation: both cost a lesion's
    texture little and save most of the work. Seed it with `keras.utils.set_random_seed` before the call.

    Args:
        labels: Number of classes, at least 2.
        size: Height and width in pixels, each at least 2 to the power of blocks + 1.
        widths: Filters of each block.
        dropout: Share of the head's inputs silenced while training, 0 to below 1.
        l2: Penalty on the squares of every kernel's weights.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, labels).
    """
    layers, penalty = keras.layers, keras.regularizers.L2(l2)
    pixels = keras.Input((*size, 3), name="pixels")
    features = layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(pixels)
    for block, width in enumerate(widths, start=1):
        kernel, stride = (5, 2) if block == 1 else (3, 1)
        features = layers.Conv2D(
            width,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_regularizer=penalty,
            name=f"block{block}_convolution",
        )(features)
        features = layers.MaxPooling2D(2, name=f"block{block}_pooling")(features)
        # Few steps make an epoch of a small data set: Keras's own momentum would lag far behind the weights.
        features = layers.BatchNormalization(momentum=0.9, name=f"block{block}_normalisation")(features)
        features = layers.ReLU(name=f"block{block}_activation")(features)
    return keras.Model(pixels, _head(features, labels, dropout, penalty), name="assignment_cnn")


def lite(variant: str, labels: int, size: Size, *, dropout: float = 0.3) -> keras.Model:
    """Builds an EfficientNet-Lite that has seen ImageNet, with a new head.

    Args:
        variant: `lite0`, `lite1` or `lite2`.
        labels: Number of classes, at least 2.
        size: Height and width in pixels, each at least 32, or None for any.
        dropout: Share of the head's inputs silenced while training, 0 to below 1.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, labels).

    Raises:
        UsageError: The package with the weights is not installed.
    """
    pixels = keras.Input((*size, 3), name="pixels")
    features = efficientnet.features(pixels, efficientnet.VARIANTS[variant])
    network = keras.Model(pixels, _head(features, labels, dropout), name=variant)
    load_imagenet(network, variant)
    return network


def application(name: str, labels: int, size: Size, *, dropout: float = 0.3) -> keras.Model:
    """Builds any network of `keras.applications` with its ImageNet weights, which Keras downloads.

    Args:
        name: As Keras spells it, such as `MobileNetV3Small`.
        labels: Number of classes, at least 2.
        size: Height and width in pixels.
        dropout: Share of the head's inputs silenced while training, 0 to below 1.

    Raises:
        UsageError: Keras has no such network, or its weights cannot be fetched.
    """
    build = getattr(keras.applications, name, None)
    if not callable(build):
        known = sorted(word for word in dir(keras.applications) if word[0].isupper())
        raise UsageError(f"network {name!r} is unknown; known are {', '.join(NETWORKS)} and Keras's {', '.join(known)}")
    pixels = keras.Input((*size, 3), name="pixels")
    try:
        body = build(include_top=False, weights="imagenet", input_tensor=scaled(pixels, name))
    except Exception as error:  # noqa: BLE001 - Keras raises a plain Exception when a download fails
        raise UsageError(
            f"{name}: Keras cannot give its ImageNet weights ({error}); they come from the internet"
        ) from None
    return keras.Model(pixels, _head(body.output, labels, dropout), name=name.lower())


def scaled(pixels: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Scales pixels, 0 to 255, as a network of `keras.applications` has seen them, which its `preprocess_input` knows.

    Each of those is one affine map of the channels of every pixel: a convolution of one pixel, which never learns.
    """
    preprocess = sys.modules[getattr(keras.applications, name).__module__].preprocess_input
    probes = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
    seen = np.asarray(preprocess(probes.reshape(1, 2, 2, 3).copy())).reshape(4, 3)
    offset, kernel = seen[0], seen[1:] - seen[0]
    if np.allclose(kernel, np.eye(3)) and not offset.any():
        return pixels  # the network does it itself
    scaling = keras.layers.Conv2D(3, 1, trainable=False, name=SCALING)
    answer = scaling(pixels)
    scaling.set_weights([kernel.reshape(1, 1, 3, 3), offset])
    return answer


def _head(
    features: keras.KerasTensor, labels: int, dropout: float, penalty: keras.Regularizer | None = None
) -> keras.KerasTensor:
    features = keras.layers.GlobalAveragePooling2D(name="average")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.layers.Dense(labels, activation="softmax", kernel_regularizer=penalty, name=HEAD)(features)


def _lite(variant: str) -> Network:
    landmarks = ("s5b3_add", "s6b4_add")
    return Network(
        lambda labels, size: lite(variant, labels, size), True, landmarks, f"EfficientNet-{variant.capitalize()}"
    )


NETWORKS = {
    "assignment-cnn": Network(
        assignment_cnn,
        False,
        ("block1_activation", "block2_activation", "block3_activation", "block4_activation"),
        "A convolutional network trained from scratch",
    ),
    **{variant: _lite(variant) for variant in efficientnet.VARIANTS},
}


def network_named(name: str) -> Network:
    """Gives a network by its name: one of ours, or one of `keras.applications`.

    Raises:
        UsageError: Nobody knows it, once it is built.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    return Network(lambda labels, size: application(name, labels, size), True, (), f"Keras's {name}")


def check_buildable(names: Iterable[str]) -> None:
    """Builds networks once, so that one that cannot be had ends a training before it has begun.

    Raises:
        UsageError: Nobody knows one of them, or its weights are not at hand.
    """
    for name in dict.fromkeys(names):
        network_named(name).build(2, (None, None))
