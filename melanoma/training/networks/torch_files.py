"""Reads tensors from PyTorch files without PyTorch and without running what a pickle may name.

The file is the format that PyTorch wrote before version 1.6: a pickle that describes the tensors, then raw numbers.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.errors import UsageError

Array = npt.NDArray[np.float32]


class _Tensor(NamedTuple):
    """Where a tensor lies: storage key, first element, shape, strides in elements."""

    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _describe_tensor(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(key, offset, shape, strides)


_ALLOWED: dict[str, Callable[..., Any] | str] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _describe_tensor,
    "torch.FloatStorage": "<f4",
    "torch.LongStorage": "<i8",
}


class _TensorUnpickler(pickle.Unpickler):
    """Reads descriptions of tensors; the four names that they need are bound to harmless functions and types.

    Attributes:
        dtypes: NumPy type by storage key.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Callable[..., Any] | str:
        """Returns the stand-in for one of the four names, and refuses any other."""
        try:
            return _ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise UsageError(f"the weights refer to {module}.{name}, which no plain file of tensors does") from None

    def persistent_load(self, pid: Sequence[Any]) -> str:
        """Notes the type of a storage and returns its key."""
        _, dtype, key, *_ = pid
        self.dtypes[key] = dtype
        return str(key)


def read_tensors(data: bytes) -> dict[str, Array]:
    """Reads all float tensors of a `.pth` file.

    Args:
        data: The whole file.

    Returns:
        float32 arrays by PyTorch name; tensors of another type, such as counters, are left out.

    Raises:
        UsageError: The file refers to anything but tensors.
    """
    file = io.BytesIO(data)
    for _ in range(3):  # magic number, protocol version, sizes of types
        _TensorUnpickler(file).load()
    described = _TensorUnpickler(file)
    tensors: dict[str, _Tensor] = described.load()
    storages = {}
    for key in _TensorUnpickler(file).load():
        dtype = np.dtype(described.dtypes[key])
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {
        name: _to_array(storages[tensor.key], tensor)
        for name, tensor in tensors.items()
        if described.dtypes[tensor.key] == "<f4"
    }


def _to_array(storage: npt.NDArray[Any], tensor: _Tensor) -> Array:
    strides = [stride * storage.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(view, np.float32)
