"""Tensors from PyTorch files, which are made here byte for byte as PyTorch made them before version 1.6."""

import io
import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.training.networks.torch_files import read_tensors


class Storage(NamedTuple):
    """Raw numbers as PyTorch keeps them: several tensors may share one."""

    key: str
    kind: str
    numbers: np.ndarray


class Tensor(NamedTuple):
    """A tensor in a storage; strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@pytest.fixture
def torch_file(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, Tensor]], bytes]:
    """Writes tensors by name to a file, with stand-ins for the few names of PyTorch that a pickle refers to."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    rebuild = type("_rebuild_tensor_v2", (), {"__module__": "torch._utils"})
    utils._rebuild_tensor_v2 = rebuild
    for kind in ("FloatStorage", "LongStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
        def persistent_id(self, value: object) -> object:
            if not isinstance(value, Storage):
                return None
            return ("storage", getattr(torch, value.kind), value.key, "cpu", len(value.numbers), None)

        def save(self, value: object, *args: Any, **options: Any) -> None:
            if isinstance(value, Tensor):
                arguments = (value.storage, value.offset, value.shape, value.strides, False, OrderedDict())
                self.save_reduce(rebuild, arguments, obj=value)
            else:
                super().save(value, *args, **options)

    def write(tensors: Mapping[str, Tensor]) -> bytes:
        file = io.BytesIO()
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        Pickler(file, protocol=2).dump(OrderedDict(tensors))
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        pickle.dump(sorted(storages), file, protocol=2)
        for key in sorted(storages):
            file.write(len(storages[key].numbers).to_bytes(8, "little") + storages[key].numbers.tobytes())
        return file.getvalue()

    return write


Write = Callable[[Mapping[str, Tensor]], bytes]
NUMBERS = np.arange(24, dtype="<f4") / 7


def test_a_contiguous_tensor_is_read_with_its_shape(torch_file: Write) -> None:
    storage = Storage("1", "FloatStorage", NUMBERS)
    state = read_tensors(torch_file({"conv.weight": Tensor(storage, 0, (2, 3, 4), (12, 4, 1))}))
    assert list(state) == ["conv.weight"]
    assert state["conv.weight"].dtype == np.float32
    np.testing.assert_array_equal(state["conv.weight"], NUMBERS.reshape(2, 3, 4))


def test_strides_and_offset_are_counted_in_elements(torch_file: Write) -> None:
    storage = Storage("1", "FloatStorage", NUMBERS)
    transposed, tail = Tensor(storage, 0, (4, 6), (1, 4)), Tensor(storage, 20, (4,), (1,))
    state = read_tensors(torch_file({"transposed": transposed, "tail": tail}))
    np.testing.assert_array_equal(state["transposed"], NUMBERS.reshape(6, 4).T)
    np.testing.assert_array_equal(state["tail"], NUMBERS[20:])


def test_arrays_are_copies_that_may_be_changed(torch_file: Write) -> None:
    storage = Storage("1", "FloatStorage", NUMBERS)
    state = read_tensors(torch_file({name: Tensor(storage, 0, (24,), (1,)) for name in ("first", "second")}))
    state["first"][:] = 0
    np.testing.assert_array_equal(state["second"], NUMBERS)


def test_several_storages_are_told_apart_and_counters_left_out(torch_file: Write) -> None:
    one, two = Storage("1", "FloatStorage", NUMBERS[:3]), Storage("3", "FloatStorage", NUMBERS[5:9])
    counter = Storage("2", "LongStorage", np.array([7], "<i8"))
    tensors = {
        "bn.num_batches_tracked": Tensor(counter, 0, (), ()),
        "second": Tensor(two, 0, (4,), (1,)),
        "first": Tensor(one, 0, (3,), (1,)),
    }
    state = read_tensors(torch_file(tensors))
    assert set(state) == {"first", "second"}
    np.testing.assert_array_equal(state["first"], NUMBERS[:3])
    np.testing.assert_array_equal(state["second"], NUMBERS[5:9])


def test_a_scalar_is_read(torch_file: Write) -> None:
    state = read_tensors(torch_file({"scale": Tensor(Storage("1", "FloatStorage", NUMBERS[3:4]), 0, (), ())}))
    assert state["scale"].shape == () and float(state["scale"]) == pytest.approx(3 / 7)


class _Exploit:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("place", range(5))
def test_a_file_that_names_anything_but_tensors_is_refused_and_not_run(tmp_path: Path, place: int) -> None:
    parts: list[object] = [0, 1001, {}, OrderedDict(), []]
    parts[place] = _Exploit(tmp_path / "canary")
    data = b"".join(pickle.dumps(part, protocol=2) for part in parts)
    with pytest.raises(UsageError, match=r"the weights refer to posix\.system, which no plain file of tensors does"):
        read_tensors(data)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", ["builtins.eval", "torch._utils._rebuild_parameter", "torch.HalfStorage"])
def test_other_names_of_pytorch_are_refused_too(name: str) -> None:
    module, _, function = name.rpartition(".")
    heads = b"".join(pickle.dumps(head, protocol=2) for head in (0, 1001, {}))
    with pytest.raises(UsageError, match=f"refer to {name}"):
        read_tensors(heads + b"\x80\x02c" + f"{module}\n{function}\n".encode() + b".")
