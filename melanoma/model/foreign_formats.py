"""Recognises model files that are not `.keras` archives by their first bytes or their names, and says what to do.

Nothing is loaded: a pickle runs code when it is opened, and a SavedModel is a program.
"""

import io
import re
import struct
import zipfile
from collections.abc import Collection, Iterator
from typing import NamedTuple

_SAVE_AGAIN = (
    "export it as ONNX and import that, or build the same network in Keras 3, copy its weights and call "
    "model.save('model.keras'); then check it against answers of the original with --check and --expect"
)
_FROM_KERAS = "if you trust it, open it with the Keras that wrote it and call model.save('model.keras') under Keras 3"
_DOWNLOAD = "download the file itself, for example with the download button or curl -L"
_TAR = slice(257, 262)
_MAX_ZIP_NAMES = 10_000  # more than any model has; a directory of millions would cost memory


class ForeignFormat(NamedTuple):
    """A file or folder that is not a `.keras` archive.

    Attributes:
        name: What it is, with its article.
        remedy: What to do.
    """

    name: str
    remedy: str


_PYTORCH = ForeignFormat("a PyTorch file", _SAVE_AGAIN)
_TORCHSCRIPT = ForeignFormat("a TorchScript file of PyTorch", _SAVE_AGAIN)
ONNX_MODEL = ForeignFormat("an ONNX model", "import it with melanoma bundle import")
_SAVED_MODEL = ForeignFormat("a SavedModel of TensorFlow", _FROM_KERAS)
_CHECKPOINT = ForeignFormat(
    "a checkpoint of TensorFlow, which holds weights but no network",
    "load it into its network and call model.save('model.keras') under Keras 3",
)
_LFS = ForeignFormat(
    "a pointer of Git LFS, not the file that it stands for", "run git lfs pull in its repository, or download the file"
)
_BUNDLE = ForeignFormat("a bundle already", "use it with --bundle, or check it with melanoma bundle verify")
_KERAS_FOLDER = ForeignFormat(
    "an unpacked .keras archive", "import the .keras file itself, or save the network again with Keras 3"
)
_HEADS = {
    b"version https://git-lfs.github.com/spec/": _LFS,
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19": ForeignFormat("a PyTorch file in the old format", _SAVE_AGAIN),
    b"\x1f\x8b": ForeignFormat("a gzip archive, such as .tar.gz", "unpack it, and import the .keras file in it"),
    b"BZh": ForeignFormat("a bzip2 archive", "unpack it, and import the .keras file in it"),
    b"\xfd7zXZ\x00": ForeignFormat("an xz archive", "unpack it, and import the .keras file in it"),
    b"\x28\xb5\x2f\xfd": ForeignFormat("a zstandard archive", "unpack it, and import the .keras file in it"),
    b"7z\xbc\xaf\x27\x1c": ForeignFormat("a 7-Zip archive", "unpack it, and import the .keras file in it"),
    b"Rar!": ForeignFormat("a RAR archive", "unpack it, and import the .keras file in it"),
    b"\xff\xd8\xff": ForeignFormat("a JPEG photograph", "give the model file"),
    b"\x89PNG": ForeignFormat("a PNG picture", "give the model file"),
    b"%PDF": ForeignFormat("a PDF document", "give the model file"),
}
_KERAS_IN_ARCHIVE = ForeignFormat("an archive", "import the .keras file in it")
_PICKLE = ForeignFormat(
    "a Python pickle, which runs code when it is opened (PyTorch, scikit-learn or joblib write such files)", _SAVE_AGAIN
)


def recognise_file(data: bytes) -> ForeignFormat | None:
    """Returns what a file is by its bytes, or None for what may be a `.keras` archive or is unknown.

    Args:
        data: The whole file.
    """
    if not data:
        return ForeignFormat("an empty file", "copy or download it again")
    for head, found in _HEADS.items():
        if data.startswith(head):
            return found
    if data[:4] == b"PK\x03\x04" or data[:4] == b"PK\x05\x06":
        return _recognise_zip(data)
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        return _recognise_hdf5(data)
    return _recognise_binary(data) or _recognise_text(data)


def recognise_folder(names: Collection[str]) -> ForeignFormat | None:
    """Returns what a folder is by the paths of the files in it, or None if it is unknown."""
    tops = {name.split("/")[0] for name in names}
    if "bundle.json" in tops:
        return _BUNDLE
    if tops & {"saved_model.pb", "saved_model.pbtxt"}:
        return _SAVED_MODEL
    if {"config.json", "model.weights.h5"} <= tops:
        return _KERAS_FOLDER
    if tops & {"_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt"} or "manifest.ocdbt" in map(_last, names):
        return ForeignFormat("a checkpoint of JAX (Orbax), which holds weights but no network", _SAVE_AGAIN)
    if any(re.fullmatch(r".*\.data-\d{5}-of-\d{5}", _last(name)) for name in names):
        return _CHECKPOINT
    if tops & {"pytorch_model.bin", "model.safetensors"}:
        return ForeignFormat("a model of Hugging Face in PyTorch", _SAVE_AGAIN)
    if keras := sorted(name for name in names if name.endswith(".keras")):
        return ForeignFormat("a folder", f"import the file in it, such as {keras[0]}")
    return None


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _recognise_zip(data: bytes) -> ForeignFormat | None:
    if b"PK\x05\x06" not in data:  # the directory stands at the end
        return ForeignFormat("a .keras file or other zip archive that is cut off", "copy or download it again")
    names = _zip_names(data)
    ends = {_last(name) for name in names}
    if {"config.json", "metadata.json", "model.weights.h5"} <= names:
        return None
    if "constants.pkl" in ends and any("/code/" in name for name in names):
        return _TORCHSCRIPT
    if "data.pkl" in ends or {"archive_format", "serialized_exported_program.json"} & ends:
        return _PYTORCH
    if ends and all(name.endswith(".npy") for name in ends):
        return ForeignFormat("a NumPy archive (.npz), which holds arrays but no network", _SAVE_AGAIN)
    if "[Content_Types].xml" in names:
        return ForeignFormat("an Office document", "give the model file")
    holds = [_KERAS_IN_ARCHIVE, *filter(None, [recognise_folder(names)])][-1]
    return ForeignFormat("a zip archive, not one that Keras wrote", f"unpack it; {holds.remedy}")


def _zip_names(data: bytes) -> set[str]:
    """Returns the names in a zip archive; none if it is damaged or holds too many."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or len(data) < end + 22 or struct.unpack_from("<H", data, end + 10)[0] > _MAX_ZIP_NAMES:
        return set()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return set(archive.namelist()[:_MAX_ZIP_NAMES])
    except Exception:  # noqa: BLE001 - hostile bytes make zipfile raise nearly every type there is
        return set()


def _recognise_hdf5(data: bytes) -> ForeignFormat:
    if b"model_config" in data:
        return ForeignFormat("an HDF5 file of a whole Keras model (.h5, as Keras 2 wrote it)", _FROM_KERAS)
    return ForeignFormat(
        "an HDF5 file without a Keras network in it, perhaps weights alone",
        "load the weights into their network and call model.save('model.keras') under Keras 3",
    )


def _recognise_binary(data: bytes) -> ForeignFormat | None:
    if data[4:8] == b"TFL3":
        return ForeignFormat("a TensorFlow Lite model", "import the Keras model from which it was converted")
    if data[_TAR] == b"ustar":
        return ForeignFormat("a tar archive", "unpack it, and import the .keras file in it")
    if data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05":
        return _PICKLE
    header = int.from_bytes(data[:8], "little")
    if data[8:9] == b"{" and 2 <= header <= len(data) - 8 and data[8 : 8 + header].rstrip().endswith(b"}"):
        return ForeignFormat("a safetensors file, which holds weights but no network", _SAVE_AGAIN)
    fields = dict(_protobuf_fields(data))
    if fields.get(1) == 0 and fields.get(7) == 2:
        return ONNX_MODEL
    if fields == {1: 0, 2: 2}:
        return _SAVED_MODEL
    return None


def _protobuf_fields(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields the number and wire type of each field of a protocol buffer; nothing if the bytes are not one."""
    fields: list[tuple[int, int]] = []
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire not in (0, 2) or not 1 <= number <= 100 or len(fields) > _MAX_ZIP_NAMES:
            return
        value, place = _varint(data, place)
        place += value if wire == 2 else 0
        fields.append((number, wire))
    if place == len(data):
        yield from fields


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Returns the number at a place and the place after it; past the end of the data if it is cut or too long."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        value |= (data[place] & 127) << shift
        place += 1
        if data[place - 1] < 128:
            return value, place
    return 0, len(data) + 1


def _recognise_text(data: bytes) -> ForeignFormat | None:
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")) or b"<html" in start[:512]:
        return ForeignFormat("a web page, perhaps a login or an error, not a model", _DOWNLOAD)
    if start.startswith((b"<?xml", b"<error")):
        return ForeignFormat("an XML file, perhaps an error of the store, not a model", _DOWNLOAD)
    if start.startswith(b"{"):
        what = "the description of a network without its weights" if b"class_name" in data else "a JSON file"
        return ForeignFormat(what, _FROM_KERAS if b"class_name" in data else "give the model file")
    return None
