"""A warm start takes over weights unless they were trained on photographs that evaluate the new network."""

import csv
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import Dataset
from melanoma.errors import BundleError, DataError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.training.fitting.warm_start import load_weights, read_warm_start

HEADER = "image_id,sha256,label,group,part\n"
SPLIT = HEADER + "a,da,melanoma,La,train\nb,db,nevus,Lb,train\nc,dc,nevus,Lc,validation\nd,dd,melanoma,Ld,test\n"


def network(classes: int = 2) -> keras.Model:
    """Returns a network whose head has the same name as every head."""
    pixels = keras.Input((8, 8, 3))
    features = keras.layers.Dense(4, name="body")(keras.layers.GlobalAveragePooling2D()(pixels))
    return keras.Model(pixels, keras.layers.Dense(classes, activation="softmax", name="probabilities")(features))


def bundle(folder: Path, files: dict[str, str], command: str = "melanoma train --data in") -> str:
    """Writes an earlier bundle with extra files such as its split."""
    keras.utils.set_random_seed(1)
    settings = ModelSettings(labels=["melanoma", "nevus"], spec=ImageSpec(8, 8), prior=[0.5, 0.5])
    extra = {name: text.encode() for name, text in files.items()}
    documents = BundleDocuments(
        card="# Earlier\n", licence="\nCC0 of old.\n", training={"command": command}, extra_files=extra
    )
    write_bundle(str(folder), network(), settings, documents)
    return str(folder)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> str:
    return bundle(tmp_path_factory.mktemp("earlier") / "bundle", {"split.csv": SPLIT})


def dataset(*rows: tuple[str, str, str, str]) -> Dataset:
    """A data set of (image_id, sha256, group, part)."""
    photographs = [Photograph(name, f"{name}.png", digest, "nevus", group) for name, digest, group, _ in rows]
    return Dataset(photographs, np.array([part for *_, part in rows]))


AGREEING = dataset(("a", "da", "La", "train"), ("c", "dc", "Lc", "train"), ("d", "dd", "Ld", "test"))


def test_a_warm_start_has_weights_except_the_head_model_id_and_terms(earlier: str) -> None:
    found = read_warm_start(earlier, AGREEING)
    keras.utils.set_random_seed(1)
    kernel, bias = network().get_layer("body").get_weights()
    assert list(found.weights) == ["body"]
    np.testing.assert_array_equal(found.weights["body"][0], kernel)
    np.testing.assert_array_equal(found.weights["body"][1], bias)
    assert (found.origin, found.terms) == (load_bundle(earlier).model_id, "CC0 of old.")


def test_the_ancestry_lists_what_the_weights_were_trained_on(earlier: str) -> None:
    assert read_warm_start(earlier, AGREEING).ancestry == b"image_id,sha256,group\na,da,La\nb,db,Lb\n"


def test_the_ancestry_goes_back_over_all_generations(tmp_path: Path) -> None:
    files = {"split.csv": SPLIT, "ancestry.csv": "image_id,sha256,group\nz,dz,Lz\n"}
    uri = bundle(tmp_path / "second", files, command="melanoma train --start-from first")
    rows = list(csv.DictReader(io.StringIO(read_warm_start(uri, AGREEING).ancestry.decode())))
    assert [row["image_id"] for row in rows] == ["a", "b", "z"]
    leaking = dataset(("a", "da", "La", "train"), ("z", "other", "other", "test"))
    with pytest.raises(DataError, match="was trained on 1 of the 1 validation and test photographs"):
        read_warm_start(uri, leaking)


@pytest.mark.parametrize(
    "photograph",
    [("a", "new", "new"), ("new", "da", "new"), ("new", "new", "La")],
    ids=["same id", "same content", "same lesion"],
)
@pytest.mark.parametrize("part", ["validation", "test"])
def test_photographs_of_the_earlier_training_must_not_evaluate_the_new_network(
    earlier: str, photograph: tuple[str, str, str], part: str
) -> None:
    fine = ("x", "dx", "Lx", "test")
    with pytest.raises(DataError, match=r"trained on 1 of the 2 .* photographs.*give its split.csv as --split"):
        read_warm_start(earlier, dataset(fine, (*photograph, part)))
    read_warm_start(earlier, dataset(fine, (*photograph, "train")))


@pytest.mark.parametrize(
    ("files", "command", "message"),
    [
        ({}, "melanoma train", r"has no split\.csv, so what it was trained on is unknown; train it again"),
        ({"split.csv": SPLIT}, "melanoma train --start-from first", r"has no ancestry\.csv.*start from that one"),
    ],
)
def test_a_bundle_that_does_not_say_what_it_was_trained_on_is_refused(
    tmp_path: Path, files: dict[str, str], command: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_warm_start(bundle(tmp_path / "bundle", files, command), AGREEING)


def test_a_split_without_digests_or_groups_still_counts_by_its_ids(tmp_path: Path) -> None:
    uri = bundle(tmp_path / "bundle", {"split.csv": "image_id,part\na,train\n"})
    assert read_warm_start(uri, dataset(("x", "", "", "test"))).ancestry == b"image_id,sha256,group\na,,\n"


def test_a_folder_that_is_not_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        read_warm_start(str(tmp_path), AGREEING)


def test_loading_weights_changes_every_layer_but_the_head() -> None:
    keras.utils.set_random_seed(2)
    target = network(classes=3)
    head = target.get_layer("probabilities").get_weights()
    weights: dict[str, Any] = {
        "body": [np.full((3, 4), 2.0), np.ones(4)],
        "probabilities": head,
        "unknown": [np.ones(1)],
    }
    load_weights(target, weights)
    np.testing.assert_array_equal(target.get_layer("body").get_weights()[0], weights["body"][0])
    np.testing.assert_array_equal(target.get_layer("probabilities").get_weights()[0], head[0])
    with pytest.raises(UsageError, match="a different kind of network"):
        load_weights(target, {"body": [np.ones((4, 4)), np.ones(4)]})
    with pytest.raises(UsageError, match="a different kind of network"):
        load_weights(target, {"probabilities": head})
