"""Bundles that are changed in one place, by mistake or with intent."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from melanoma.errors import BundleError
from melanoma.model.bundle import load_bundle

Document = dict[str, Any]


def refusal(uri: str, digest: str | None = None) -> str:
    """Returns the one-line error with which a bundle is refused."""
    with pytest.raises(BundleError) as caught:
        load_bundle(uri, digest)
    line = str(caught.value)
    assert line.startswith(f"{uri}: ") and line.isprintable() and len(line) < 1000
    return line


def copied(bundle_uri: str, folder: Path) -> Path:
    """Copies a bundle to a place where a test may damage it."""
    return Path(shutil.copytree(bundle_uri, folder / "bundle"))


def without_portable(bundle_uri: str, folder: Path) -> str:
    """Copies a bundle, and makes it one that only TensorFlow runs, as earlier versions wrote them."""
    path = copied(bundle_uri, folder)
    (path / "model.onnx").unlink()
    document = document_of(path)
    del document["files"]["model.onnx"]
    return describe(path, document)


def document_of(folder: Path | str) -> Document:
    """Reads the description of a bundle."""
    return dict(json.loads(Path(folder, "bundle.json").read_bytes()))


def describe(folder: Path, document: Document) -> str:
    """Writes a description with the digests of the files as they are now."""
    for name in document["files"]:
        document["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(document))
    return str(folder)


def edited(bundle_uri: str, folder: Path, **changes: Any) -> str:
    """Copies a bundle and changes top-level values of its description."""
    path = copied(bundle_uri, folder)
    return describe(path, {**document_of(path), **changes})


def with_other_weights(network: bytes) -> bytes:
    """Changes one number of a network file."""
    with zipfile.ZipFile(io.BytesIO(network)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        arrays: list[h5py.Dataset] = []
        file.visititems(lambda _, item: arrays.append(item) if isinstance(item, h5py.Dataset) else None)
        largest = max(arrays, key=lambda array: array.size)
        largest[...] = largest[...] + 1.0
    members["model.weights.h5"] = weights.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return changed.getvalue()
