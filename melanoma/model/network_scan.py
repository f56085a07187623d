"""The static look at a network file, before Keras may touch it.

Loading a network is running a program: its description names the classes to build, and its weights may point at other
files. Keras' safe mode has been bypassed again and again. So a network passes for what it is (an archive as Keras
writes it, of listed layers, with weights that lie plainly inside), never for lack of something known to be bad. This is
the second wall: the first are the digests of the bundle. Neither Keras nor TensorFlow is imported here.
"""

import io
import json
import math
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from melanoma.errors import BundleError
from melanoma.model.allowed_layers import CLASSES, NAMES

MAX_FILE_BYTES = 256 * 2**20
_METADATA, _CONFIG, _WEIGHTS = _MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_MAX_DIRECTORY_BYTES = 1024  # three members need 200; a zip directory can be a bomb of its own
_MAX_JSON_BYTES = 2 * 2**20  # NASNetMobile, of 771 layers, takes 0.8 MiB
_MAX_JSON_DEPTH = 64
_MAX_WEIGHT_OBJECTS = 20_000  # NASNetMobile has 2,670
_MAX_NUMBER_BYTES = 8
_KERAS_3 = re.compile(r"3\.[0-9a-z.+-]{1,20}")
_REMEDY = "save the network again with Keras 3 as one .keras file, uncompiled and of plain layers"


_NAMING_KEYS = ("module", "class_name", "config", "registered_name", "name")
_OBJECT_KEYS = frozenset({*_NAMING_KEYS, "inbound_nodes", "shared_object_id", "build_config", "compile_config"})
_REFERENCES = frozenset(
    ["module", "registered_name", "spec_name", "fn", "func", "function", "call", "callable", "lambda"]
)


@dataclass(frozen=True)
class NetworkFacts:
    """What a network file says of itself.

    Attributes:
        input_shape: Height, width and channels of one photograph; None where any size fits.
        layers: Layers at any depth, without inputs and without the models that hold them.
        parameters: Numbers that the network is made of, as Keras' `count_params`.
        keras_version: The Keras that wrote the file, such as "3.15.1".
    """

    input_shape: tuple[int | None, ...]
    layers: int
    parameters: int
    keras_version: str


def scan_network(path: Path) -> NetworkFacts:
    """Looks through a `.keras` file without building anything from it.

    Args:
        path: A local file of at most `MAX_FILE_BYTES` that nobody else may change before it is loaded.

    Raises:
        BundleError: The file is no plain archive of Keras 3, its description names anything that is not on
            the list of harmless classes, or its weights are more than plain arrays of numbers.
    """
    with _one_clear_error(path):
        members = _read_members(path)
        version = str(_parse(members, _METADATA).get("keras_version"))
        _require(bool(_KERAS_3.fullmatch(version)), f"it was written by Keras {version!a:.40}", "Keras 3")
        config = _parse(members, _CONFIG)
        layers = _count_layers(config)
        return NetworkFacts(_input_shape(config), layers, _count_parameters(members[_WEIGHTS]), version)


def without_compile_config(source: Path, target: Path) -> None:
    """Copies a network without optimizer, loss and metrics, which a bundle has no use for.

    Those of nested networks go too: Keras' `compile=False` would build them all the same.

    Args:
        source: A `.keras` file that is trusted: no more than its archive is checked.
        target: The file to write, with the same bytes for the same source.

    Raises:
        BundleError: `source` is no plain archive of Keras.
    """
    with _one_clear_error(source):
        members = _read_members(source)
        members[_CONFIG] = json.dumps(_parse(members, _CONFIG, without="compile_config")).encode()
        kept = io.BytesIO()
        with h5py.File(io.BytesIO(members[_WEIGHTS]), "r") as old, h5py.File(kept, "w") as new:
            for name in sorted(old.keys() - {"optimizer"}):
                old.copy(name, new)
        members[_WEIGHTS] = kept.getvalue()
    with zipfile.ZipFile(target, "w") as archive:
        for name in _MEMBERS:
            archive.writestr(zipfile.ZipInfo(name), members[name])


@contextmanager
def _one_clear_error(path: Path) -> Iterator[None]:
    """Names the file and the remedy in each refusal, and refuses whatever makes a parser stumble."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}; {_REMEDY}") from None
    except Exception as error:  # hostile bytes bring every kind of it out of zipfile, json and HDF5
        found = f"it does not open ({type(error).__name__}: {str(error)!a:.120})"
        raise BundleError(f"{path.name}: {found}; expected a whole archive of Keras; {_REMEDY}") from error


def _require(fits: bool, found: str, expected: str) -> None:
    if not fits:
        raise BundleError(f"{found}; expected {expected}")


def _read_members(path: Path) -> dict[str, bytes]:
    """Reads the three members, none larger than the file: Keras stores them without compression."""
    size = _check_file(path)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = sorted(entry.orig_filename for entry in entries)
        _require(names == sorted(_MEMBERS), f"it holds {names!a:.200}", f"exactly {', '.join(_MEMBERS)}")
        for entry in entries:
            plain = not entry.flag_bits & 1 and not stat.S_ISLNK(entry.external_attr >> 16)
            _require(plain, f"{entry.filename} is encrypted or a link", "a plain file")
            whole = entry.compress_size == entry.file_size <= size and entry.compress_type == zipfile.ZIP_STORED
            _require(whole, f"{entry.filename} is compressed or cut", "it stored as it is")
        return {entry.filename: archive.read(entry) for entry in entries}


def _check_file(path: Path) -> int:
    """Returns the size in bytes of a file that begins and ends as an archive of three members does."""
    status = path.lstat()
    size, kind = status.st_size, "a folder" if stat.S_ISDIR(status.st_mode) else "a link or a device"
    _require(stat.S_ISREG(status.st_mode), f"it is {kind}", "a regular file")
    _require(size <= MAX_FILE_BYTES, f"it has {size:,} bytes", f"at most {MAX_FILE_BYTES:,}")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 42))
        tail = file.read()
    _require(head != b"\x89HDF", "it is HDF5, for which Keras ignores its safe mode", "a .keras archive")
    _require(head[:1] != b"\x80", "it is a pickle", "a .keras archive")
    _require(head == b"PK\x03\x04", "it is no zip archive", "a .keras archive")
    # Before zipfile reads a directory of any length; a zip64 locator would replace the numbers seen here.
    magic, *_, count, length, start, _ = struct.unpack("<4s4H2LH", tail[-22:])
    plain = magic == b"PK\x05\x06" and tail[:4] != b"PK\x06\x07"
    short = start + length + 22 == size and length <= _MAX_DIRECTORY_BYTES and count == len(_MEMBERS)
    _require(plain and short, "its zip directory is unusual", "that of three members, at the end")
    return size


def _parse(members: dict[str, bytes], name: str, without: str = "") -> dict[str, Any]:
    """Reads a JSON member, leaving out one key wherever it stands."""
    data = members[name]
    _require(len(data) <= _MAX_JSON_BYTES, f"{name} is very long", f"at most {_MAX_JSON_BYTES:,} bytes")
    tree = json.loads(data, object_hook=lambda node: {key: node[key] for key in node if key != without})
    _require(isinstance(tree, dict), f"{name} holds a {type(tree).__name__}", "an object")
    return dict(tree)


def _count_layers(config: dict[str, Any]) -> int:
    """Counts the layers of a description in which every name, at any depth, is on the lists."""
    layers, faults = 0, set[str]()
    level: list[tuple[str, Any]] = [("", config)]
    for _ in range(_MAX_JSON_DEPTH):
        deeper: list[tuple[str, Any]] = []
        for key, node in level:
            if isinstance(node, dict):
                faults.update(_object_faults(node))
                layers += node.get("module") == "keras.layers" and node.get("class_name") != "InputLayer"
                deeper += node.items()
            elif isinstance(node, list):
                deeper += [(key, value) for value in node]
            elif isinstance(node, str) and node not in NAMES.get(key.rpartition("_")[2], (node,)):
                faults.add(f"{key!a:.40} {node!a:.60}")
        level = deeper
    _require(not level, f"{_CONFIG} is nested very deep", f"at most {_MAX_JSON_DEPTH} levels")
    _require(not faults, f"{_CONFIG} names {', '.join(sorted(faults)[:5])}", "common layers of Keras 3 alone")
    return layers


def _object_faults(node: dict[str, Any]) -> Iterator[str]:
    """Gives what in one dict of a description could make Keras build something unlisted."""
    if "class_name" not in node:
        yield from (f"a reference by {key!a}" for key in _REFERENCES & node.keys())
        return
    if node["class_name"] == "__keras_tensor__" and node.keys() == {"class_name", "config"}:
        return
    module, name = str(node.get("module")), str(node["class_name"])
    if name not in CLASSES.get(module, ()):
        yield f"{f'{module}.{name}'!a:.100}"
    elif node.get("registered_name", "") not in (None, name):
        yield f"{name!a:.60} registered as {str(node.get('registered_name'))!a:.60}"
    elif node.keys() - _OBJECT_KEYS or not isinstance(node.get("config"), dict):
        yield f"{name!a:.60} with more or less than a description of itself"
    if node.get("compile_config"):  # Keras' compile=False would build that of a nested network
        yield f"what {name!a:.60} was compiled with"


def _input_shape(config: dict[str, Any]) -> tuple[int | None, ...]:
    """Finds height, width and channels of the one input."""
    layers = config["config"]["layers"]
    inputs = [layer["config"]["batch_shape"] for layer in layers if layer["class_name"] == "InputLayer"]
    _require(len(inputs) == 1, f"it has {len(inputs)} inputs", "one Input layer")
    _, *shape = inputs[0]
    sides = len(shape) == 3 and all(side is None or (type(side) is int and side > 0) for side in shape)
    _require(sides, f"its input is {inputs[0]!a:.100}", "batch, height, width and channels")
    return tuple(shape)


def _count_parameters(weights: bytes) -> int:
    """Counts the numbers of a weight file in which each object is a group or a plain array, with one name."""
    numbers, stored = 0, 0
    with h5py.File(io.BytesIO(weights), "r") as file:
        pending, seen = [file["/"]], set[int]()
        while pending:
            group = pending.pop()
            few = len(seen) + len(group) <= _MAX_WEIGHT_OBJECTS
            _require(few, f"{_WEIGHTS} holds very many objects", f"at most {_MAX_WEIGHT_OBJECTS:,}")
            for name in group:
                where = f"{_WEIGHTS} at {name!a:.40} in {group.name!a:.80}"
                inside = "/" not in name and isinstance(group.get(name, getlink=True), h5py.HardLink)
                _require(inside, f"{where} points elsewhere", "weights that lie here")
                item = group[name]
                address = h5py.h5o.get_info(item.id).addr
                _require(address not in seen, f"{where} names an object again", "one name for each")
                seen.add(address)
                if isinstance(item, h5py.Group):
                    pending.append(item)
                    continue
                _require(_is_plain_array(item), f"{where} is no plain array", "numbers, stored whole")
                stored += item.nbytes
                numbers += item.size if "optimizer" not in item.name.split("/") else 0
    _require(stored <= len(weights), f"{_WEIGHTS} claims {stored:,} bytes", f"at most its {len(weights):,}")
    return numbers


def _is_plain_array(item: Any) -> bool:
    """Whether an object of a weight file is numbers that lie in it as declared: no filter, no other file."""
    if not isinstance(item, h5py.Dataset) or item.shape is None or len(item.attrs):
        return False
    plan, number = item.id.get_create_plist(), item.dtype
    inside = plan.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) and not plan.get_external_count()
    whole = item.id.get_storage_size() == math.prod(item.shape) * number.itemsize
    return inside and whole and number.kind in "fiub" and number.itemsize <= _MAX_NUMBER_BYTES
