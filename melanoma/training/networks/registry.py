"""The networks that can be trained, by name: plain Keras 3, pixels 0 to 255 in, class probabilities out.

They use nothing but the Keras API, so that any Keras backend can train them.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

import keras

from melanoma.errors import UsageError
from melanoma.training.networks import efficientnet
from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.layers import Size
from melanoma.training.networks.pretrained import efficientnet_lite, keras_application, keras_applications

BACKEND: str = keras.backend.backend()  # the Keras backend of this process
_MIDDLE_OF_LITE = ("s5b3_add", "s6b4_add")


class Network(NamedTuple):
    """A network that can be trained.

    Attributes:
        build: From number of classes and (height, width), or (None, None) for any size, to a network with its initial
            weights.
        is_pretrained: Whether all layers but the head start from ImageNet weights.
        feature_layers: Layers whose outputs the out-of-distribution score compares, from texture to content; none for
            no score.
        description: For the model card.
    """

    build: Callable[[int, Size], keras.Model]
    is_pretrained: bool
    feature_layers: tuple[str, ...]
    description: str


def _lite(variant: str) -> Network:
    return Network(partial(efficientnet_lite, variant), True, _MIDDLE_OF_LITE, f"EfficientNet-{variant.capitalize()}")


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
    """Returns a network by name: one of `NETWORKS`, or one of `keras.applications`.

    Raises:
        UsageError: There is no such network.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if name in keras_applications():
        return Network(partial(keras_application, name), True, (), f"Keras's {name}")
    plain = {known.lower().replace("-", ""): known for known in (*NETWORKS, *keras_applications())}
    near = get_close_matches(name.lower().replace("-", "").replace("_", ""), plain, 1, 0.85)
    hint = f"; did you mean {plain[near[0]]}?" if near else ""
    known = f"{', '.join(NETWORKS)}, and of Keras: {', '.join(keras_applications())}"
    raise UsageError(f"network {name!r} is unknown; choose one of {known}{hint}")


def check_buildable(names: Iterable[str]) -> None:
    """Builds each network once, so that missing weights stop a training before it has begun.

    Raises:
        UsageError: There is no such network, or its weights cannot be loaded.
    """
    for name in dict.fromkeys(names):
        network_named(name).build(2, (None, None))
