"""A warm start: a training begins with the weights of an earlier bundle.

It is refused if the earlier network, or one that it was started from, was trained on photographs that are used to
evaluate the new one.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import TRAIN, Dataset
from melanoma.errors import DataError, UsageError
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.description import LICENCE
from melanoma.model.tensorflow_engine import load_network
from melanoma.training.fitting.checkpoints import SPLIT
from melanoma.training.networks.layers import HEAD

Weights = Mapping[str, Sequence[npt.NDArray[np.float32]]]
ANCESTRY = "ancestry.csv"
_KEYS = ("image_id", "sha256", "group")
_OWN_WARM_START = "--start-from"  # in the command of a bundle that was itself warm-started


@dataclass(frozen=True)
class WarmStart:
    """What a training takes over from an earlier bundle.

    Attributes:
        weights: Weights by name of layer, without those of the head.
        ancestry: CSV of all photographs that these weights were trained on, over all generations; the new bundle
            keeps it for trainings that start from it in turn.
        origin: Model id of the earlier bundle.
        terms: Terms of the data that it was trained on.
    """

    weights: Weights
    ancestry: bytes
    origin: str
    terms: str


def read_warm_start(uri: str, dataset: Dataset) -> WarmStart:
    """Reads the weights of a bundle's network, and what they were trained on.

    Args:
        uri: Bundle. Its `split.csv` lists what it was trained on, its `ancestry.csv` what its predecessors were.
        dataset: Data set of the new training.

    Raises:
        BundleError: It is not a bundle.
        DataError: The bundle does not say what it was trained on, or was trained on photographs or lesions of the new
            validation or test part.
    """
    bundle = load_bundle(uri)
    rows = _trained_on(bundle, uri)
    _check_leaks(uri, rows, dataset)
    with bundle.network_file() as path:
        network = load_network(path, uri)
    weights = {layer.name: layer.get_weights() for layer in network.layers if layer.weights and layer.name != HEAD}
    ancestry = io.StringIO()
    writer = csv.DictWriter(ancestry, _KEYS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return WarmStart(weights, ancestry.getvalue().encode(), bundle.model_id, bundle.files[LICENCE].decode().strip())


def load_weights(network: keras.Model, weights: Weights) -> None:
    """Sets the weights of a new network's layers, except the head.

    Args:
        network: Network to be trained.
        weights: Weights by name of layer; layers that the network does not have are ignored.

    Raises:
        UsageError: No layer has such a name, or the shapes differ.
    """
    layers = {layer.name: layer for layer in network.layers if layer.name in weights and layer.name != HEAD}
    wanted = {name: [array.shape for array in layer.get_weights()] for name, layer in layers.items()}
    if not wanted or wanted != {name: [array.shape for array in weights[name]] for name in layers}:
        raise UsageError("--start-from: that bundle contains a different kind of network; give the same --network")
    for name, layer in layers.items():
        layer.set_weights(weights[name])


def _check_leaks(uri: str, rows: Sequence[Mapping[str, str]], dataset: Dataset) -> None:
    known = {row[key] for row in rows for key in _KEYS if row[key]}
    held_out = [photo for photo, part in zip(dataset.photographs, dataset.parts, strict=True) if part != TRAIN]
    leaking = sum(not known.isdisjoint((photo.image_id, photo.sha256, photo.group)) for photo in held_out)
    if leaking:
        raise DataError(
            f"{uri}: was trained on {leaking} of the {len(held_out)} validation and test photographs, or on their "
            "lesions; give its split.csv as --split, so that both splits agree"
        )


def _trained_on(bundle: Bundle, uri: str) -> list[dict[str, str]]:
    """Returns id, digest and lesion of every photograph that a network and its predecessors were trained on."""
    if SPLIT not in bundle.files:
        raise DataError(f"{uri}: has no {SPLIT}, so what it was trained on is unknown; train it again")
    if ANCESTRY not in bundle.files and _OWN_WARM_START in str(bundle.description["training"].get("command", "")):
        raise DataError(
            f"{uri}: was started from another bundle but has no {ANCESTRY}, so what that one was trained on is "
            "unknown; start from that one, or train this one again"
        )
    split = csv.DictReader(io.StringIO(bundle.files[SPLIT].decode()))
    before = csv.DictReader(io.StringIO(bundle.files.get(ANCESTRY, b"").decode()))
    trained = [row for row in split if row["part"] == TRAIN]
    return [{key: row.get(key) or "" for key in _KEYS} for row in [*trained, *before]]
