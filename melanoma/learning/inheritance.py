"""Weights that one training takes over from another, if nothing that the old one saw judges the new one."""

import csv
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from melanoma.bundle import load_bundle
from melanoma.engine import load_network
from melanoma.errors import DataError
from melanoma.labelled.splits import TRAIN, Dataset
from melanoma.learning.checkpoints import SPLIT
from melanoma.learning.networks import HEAD

Weights = dict[str, Sequence[npt.NDArray[np.float32]]]


def inherit(uri: str, dataset: Dataset) -> Weights:
    """Gives the weights of a bundle's network by name of layer, all but those of its head.

    Args:
        uri: Of the bundle; its `split.csv` says what it was trained on.
        dataset: That the new network will be trained on and judged by.

    Raises:
        BundleError: It is no bundle.
        DataError: It does not say what it was trained on, or that is part of what the new network is judged by.
    """
    bundle = load_bundle(uri)
    if SPLIT not in bundle.files:
        raise DataError(f"{uri}: has no {SPLIT}, so that nobody can say what it was trained on; train it again")
    rows = csv.DictReader(io.StringIO(bundle.files[SPLIT].decode()))
    known = {row[key] for row in rows if row["part"] == TRAIN for key in ("image_id", "sha256", "group")}
    judged = [photograph for photograph, part in zip(dataset.photographs, dataset.parts, strict=True) if part != TRAIN]
    leaking = sum(not known.isdisjoint((photo.image_id, photo.sha256, photo.group)) for photo in judged)
    if leaking:
        raise DataError(
            f"{uri}: was trained on {leaking} of the {len(judged)} photographs, or their lesions, of the validation "
            "and test part; give its split.csv as --split, so that both agree"
        )
    with bundle.network_file() as path:
        network = load_network(path, uri)
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights and layer.name != HEAD}
