"""Keras networks and their files: small ones to scan and score, and archives that are changed in one place."""

import io
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import BundleError
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.images.pixels import Pixels
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import uniform_prior
from melanoma.model.engine import load_engine
from tests.helpers import photograph

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
ARRAY = "layers/dense/vars/0"  # one array of the weights of `small_network`
FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
SIZE = (16, 16)
Members = dict[str, bytes]
Config = dict[str, Any]


def small_network() -> keras.Model:
    """A network with another one inside; both compiled, the outer one trained for a step."""
    head = keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="relu", name="inner")], name="head")
    head.compile("adam", "mse")
    pixels = keras.Input((16, 16, 3))
    features = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2")(layers.Rescaling(1 / 255)(pixels))
    features = layers.BatchNormalization()(layers.ReLU(max_value=6.0)(features))
    features = layers.Dropout(0.2)(head(layers.GlobalAveragePooling2D()(features)))
    network = keras.Model(pixels, layers.Dense(3, activation="softmax", name="scores")(features))
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    network.optimizer.build(network.trainable_variables)
    return network


def members_of(path: Path) -> Members:
    """Reads the members of an archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members) -> Path:
    """Writes an archive of members by name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def layer_named(config: Config, name: str) -> Config:
    """Returns a layer's entry in a network's description."""
    return next(layer for layer in config["config"]["layers"] if layer["name"] == name)


def wrapped(cls: str, inner: Config) -> Config:
    """Returns the entry of a wrapper layer around another layer's entry."""
    config = {"name": "w", "trainable": True, "dtype": FLOAT32, "layer": inner}
    wrapper = {"module": "keras.layers", "class_name": cls, "config": config, "registered_name": None}
    return wrapper | {"name": "w", "inbound_nodes": []}


def archive_with(entries: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    """Returns an archive of entries, which may share a name."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)
        for info, data in entries:
            archive.writestr(info, data)
    return buffer.getvalue()


def with_entry(members: Members, name: str, **attributes: Any) -> bytes:
    """Writes the members as they are but for some attributes of one zip entry."""
    entries = [(zipfile.ZipInfo(member), data) for member, data in members.items()]
    for info, _ in entries:
        if info.filename == name:
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
    return archive_with(entries)


def replacing(make: Callable[[h5py.File], None]) -> Callable[[h5py.File], None]:
    """Returns a change of a weight file that puts something else in the place of one array."""

    def change(file: h5py.File) -> None:
        del file[ARRAY]
        make(file)

    return change


def dataset(*args: Any, **kwargs: Any) -> Callable[[h5py.File], None]:
    """Returns a change of a weight file that replaces one array by a new dataset."""
    return replacing(lambda file: file.create_dataset(ARRAY, *args, **kwargs))


def changed(weights: bytes, change: Callable[[h5py.File], None]) -> bytes:
    """Applies a change to a weight file."""
    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue().replace(b"denseXvars", b"dense/vars")


def photographs(count: int) -> Pixels:
    """Draws and decodes photographs, uint8 (count, 16, 16, 3)."""
    return np.stack([decoding.decode(photograph(seed), ImageSpec(*SIZE)) for seed in range(count)])


def constant(*row: float) -> keras.Model:
    """A network that returns the same row for every input."""
    pixels, last = keras.Input((*SIZE, 3)), layers.Dense(len(row))
    network = keras.Model(pixels, last(layers.GlobalAveragePooling2D()(pixels)))
    last.set_weights([np.zeros((3, len(row))), np.array(row)])
    return network


def sized(height: int | None, num_classes: int = 3, channels: int = 3) -> keras.Model:
    """Returns a network for square photographs of a height; None for any size."""
    pixels = keras.Input((height, height, channels))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, layers.Dense(num_classes, activation="softmax")(features))


def with_more(*outputs: tuple[str, int]) -> keras.Model:
    """A network of three classes with more outputs, by name and width."""
    network = sized(16)
    features = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(network.input))
    more = [layers.Dense(width, activation="sigmoid", name=name)(features) for name, width in outputs]
    return keras.Model(network.input, [network.output, *more])


def two_output_bundle(place: Path) -> Bundle:
    """Writes a bundle whose network has a second output, with a temperature and a threshold for it."""
    keras.utils.set_random_seed(5)
    return write_bundle_of(place, with_more(("ood_score", 1)), temperature=1.7, thresholds={"ood_above": 0.5})


def varied_photographs() -> Pixels:
    """Returns photographs and noise, uint8 (11, 16, 16, 3)."""
    return np.concatenate([photographs(5), np.random.default_rng(1).integers(0, 256, (6, 16, 16, 3), np.uint8)])


def write_bundle_of(
    uri: Path, network: keras.Model, labels: Sequence[str] = ("a", "b", "c"), size: int = 16, **changes: Any
) -> Bundle:
    """Writes a bundle of a network; `changes` are other settings or documents."""
    about = {name: changes.pop(name) for name in ("reference", "metrics", "training") if name in changes}
    settings: dict[str, Any] = {"labels": labels, "prior": uniform_prior(labels), **changes}
    documents = BundleDocuments(card="# X\n", licence="None.\n", **about)
    return write_bundle(str(uri), network, ModelSettings(spec=ImageSpec(size, size), **settings), documents)


def engine_refusal(bundle: Bundle, engine: str = "auto") -> str:
    """Returns the one-line error with which a loaded bundle is refused when its network is run."""
    with pytest.raises(BundleError) as caught:
        load_engine(bundle, 8, engine)
    line = str(caught.value)
    assert line.startswith(f"{bundle.uri}: ") and line.isprintable()
    return line
