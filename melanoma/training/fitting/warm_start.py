"""Weights that one training takes over from another, if nothing that the old one saw judges the new one."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import TRAIN, Dataset
from melanoma.errors import DataError
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.description import LICENCE
from melanoma.model.engine import load_network
from melanoma.training.fitting.checkpoints import SPLIT
from melanoma.training.networks.layers import HEAD

Weights = dict[str, Sequence[npt.NDArray[np.float32]]]
ANCESTRY = "ancestry.csv"
_KEYS = ("image_id", "sha256", "group")
_GRANDPARENT = "--start-from"


class Inheritance(NamedTuple):
    """What one training takes over from another.

    Attributes:
        initial: Weights by name of layer, all but those of the head.
        ancestry: CSV of every photograph that they were trained on, at any remove, for whoever starts from the new one.
        origin: Name of the model that they come from.
        terms: Of the data that it was trained on.
    """

    initial: Weights
    ancestry: bytes
    origin: str
    terms: str


def inherit(uri: str, dataset: Dataset) -> Inheritance:
    """Gives the weights of a bundle's network by name of layer, all but those of its head.

    Args:
        uri: Of the bundle; its `split.csv` says what it was trained on, its `ancestry.csv` what those before it were.
        dataset: That the new network will be trained on and judged by.

    Raises:
        BundleError: It is no bundle.
        DataError: It does not say what it was trained on, or that is part of what the new network is judged by.
    """
    bundle = load_bundle(uri)
    rows = _trained_on(bundle, uri)
    known = {row[key] for row in rows for key in _KEYS if row[key]}
    judged = [photograph for photograph, part in zip(dataset.photographs, dataset.parts, strict=True) if part != TRAIN]
    leaking = sum(not known.isdisjoint((photo.image_id, photo.sha256, photo.group)) for photo in judged)
    if leaking:
        raise DataError(
            f"{uri}: was trained on {leaking} of the {len(judged)} photographs, or their lesions, of the validation "
            "and test part; give its split.csv as --split, so that both agree"
        )
    with bundle.network_file() as path:
        network = load_network(path, uri)
    weights = {layer.name: layer.get_weights() for layer in network.layers if layer.weights and layer.name != HEAD}
    ancestry = io.StringIO()
    writer = csv.DictWriter(ancestry, _KEYS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return Inheritance(weights, ancestry.getvalue().encode(), bundle.model_id, bundle.files[LICENCE].decode().strip())


def _trained_on(bundle: Bundle, uri: str) -> list[dict[str, str]]:
    """Gives id, digest and lesion of all that a network and those that it comes from were trained on."""
    if SPLIT not in bundle.files:
        raise DataError(f"{uri}: has no {SPLIT}, so that nobody can say what it was trained on; train it again")
    if ANCESTRY not in bundle.files and _GRANDPARENT in str(bundle.description["training"].get("command", "")):
        raise DataError(
            f"{uri}: was started from another bundle and has no {ANCESTRY}, so that nobody can say what that one was "
            "trained on; start from that one, or train this one again"
        )
    split = csv.DictReader(io.StringIO(bundle.files[SPLIT].decode()))
    before = csv.DictReader(io.StringIO(bundle.files.get(ANCESTRY, b"").decode()))
    trained = [row for row in split if row["part"] == TRAIN]
    return [{key: row.get(key) or "" for key in _KEYS} for row in [*trained, *before]]
