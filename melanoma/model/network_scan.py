"""The static scan of a network file, before Keras may touch it.

Loading a network is running a program: its description names the classes to build, and its weights may point at other
files. Keras' safe mode has been bypassed repeatedly. So a network passes because of what it is (an archive as
Keras writes it, of listed layers, with weights that lie plainly inside), never because nothing known to be bad was
found. This is the second line of defence; the digests of the bundle are the first. Neither Keras nor TensorFlow is
imported here.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from melanoma.model.network_archive import (
    CONFIG,
    METADATA,
    WEIGHTS,
    one_clear_error,
    parse_member,
    read_members,
    require,
)
from melanoma.model.network_config import count_layers, input_shape
from melanoma.model.network_weights import count_parameters

_KERAS_3 = re.compile(r"3\.[0-9a-z.+-]{1,20}")


@dataclass(frozen=True)
class NetworkFacts:
    """What a network file states about its network.

    Attributes:
        input_shape: Height, width and channels of one photograph; None where any size fits.
        layers: Number of layers at any depth, without inputs and without the models that hold them.
        parameters: Number of weights, as Keras' `count_params` returns it.
        keras_version: The Keras that wrote the file, such as "3.15.1".
    """

    input_shape: tuple[int | None, ...]
    layers: int
    parameters: int
    keras_version: str


def scan_network(path: Path) -> NetworkFacts:
    """Scans a `.keras` file without building anything from it.

    Args:
        path: A local file of at most `MAX_FILE_BYTES` that no other user can change before it is loaded.

    Raises:
        BundleError: The file is not a plain archive of Keras 3, its description names anything that is not on the list
            of harmless classes, or its weights are more than plain arrays of numbers.
    """
    with one_clear_error(path):
        members = read_members(path)
        version = str(parse_member(members, METADATA).get("keras_version"))
        require(bool(_KERAS_3.fullmatch(version)), f"it was written by Keras {version!a:.40}", "Keras 3")
        config = parse_member(members, CONFIG)
        layers = count_layers(config)
        return NetworkFacts(input_shape(config), layers, count_parameters(members[WEIGHTS]), version)
