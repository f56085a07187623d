"""A Keras file from elsewhere becomes a bundle that scores as the network does, or is refused in one line."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from melanoma.errors import BundleError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle_contents import ModelSettings
from melanoma.model.engine import load_engine
from melanoma.model.keras_import import import_model
from melanoma.model.network_archive import without_compile_config
from melanoma.model.preprocessing import Scaling
from tests.helpers.networks import photographs, small_network

SETTINGS = ModelSettings(
    labels=("nv", "mel", "bcc"), spec=ImageSpec(16, 16), prior=(0.6, 0.1, 0.3), scaling=Scaling(1.0, 2.0)
)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return small_network()


@pytest.fixture
def saved(network: keras.Model, tmp_path: Path) -> Path:
    network.save(tmp_path / "given.keras")
    return tmp_path / "given.keras"


def test_an_imported_network_scores_as_it_did_and_has_a_card(network: keras.Model, saved: Path, tmp_path: Path) -> None:
    bundle = import_model(str(saved), str(tmp_path / "new"), SETTINGS, "Ours.\n")
    assert bundle.slugs == ("nevus", "melanoma", "basal_cell_carcinoma") and bundle.files["LICENSE"] == b"Ours.\n"
    card = bundle.files["card.md"].decode()
    assert hashlib.sha256(saved.read_bytes()).hexdigest() in card and "not a medical device" in card
    pixels = photographs(3)
    expected = network(pixels.astype(np.float32) + 2, training=False).numpy()
    np.testing.assert_allclose(load_engine(bundle, 3).score(pixels).probabilities, expected, atol=1e-6)


def network_behind(*first: Any) -> keras.Model:
    """Returns a network whose first layers are given."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((16, 16, 3))
    features = pixels
    for layer in first:
        features = layer(features)
    features = keras.layers.Conv2D(4, 3, activation="tanh")(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    return keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(features))


@pytest.mark.parametrize(
    "first",
    [
        [keras.applications.resnet50.preprocess_input],  # swaps channels, subtracts the mean
        [keras.applications.vgg16.preprocess_input],
        [keras.applications.densenet.preprocess_input],  # mean and deviation
        [keras.applications.mobilenet_v2.preprocess_input],
        [
            keras.layers.RandomBrightness(0.2),
            keras.layers.RandomColorJitter(),
            keras.layers.RandomErasing(0.1),
            keras.layers.AlphaDropout(0.5),
            keras.layers.GaussianNoise(0.3),
        ],
    ],
    ids=["ResNet50", "VGG16", "DenseNet", "MobileNetV2", "only in training"],
)
def test_preprocessing_and_training_layers_inside_of_a_network_are_kept(first: list[Any], tmp_path: Path) -> None:
    given, settings = network_behind(*first), replace(SETTINGS, scaling=Scaling())
    given.save(tmp_path / "given.keras")
    bundle = import_model(str(tmp_path / "given.keras"), str(tmp_path / "new"), settings, "Ours.\n")
    pixels = photographs(3)
    expected = given(pixels.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(load_engine(bundle, 3).score(pixels).probabilities, expected, atol=1e-6)


def test_a_layer_that_cannot_be_frozen_is_named(tmp_path: Path) -> None:
    network_behind(keras.layers.RandomHue(0.1)).save(tmp_path / "given.keras")
    with pytest.raises(BundleError, match=r"'keras\.layers\.RandomHue'"):
        import_model(str(tmp_path / "given.keras"), str(tmp_path / "new"), SETTINGS, "Ours.\n")


def test_two_classes_without_softmax_are_refused(tmp_path: Path) -> None:
    pixels = keras.Input((16, 16, 3))
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(pixels))
    keras.Model(pixels, logits).save(tmp_path / "logits.keras")
    two = replace(SETTINGS, labels=("nv", "mel"), prior=(0.5, 0.5))
    with pytest.raises(BundleError, match=r"not probabilities.*; end it with a softmax"):
        import_model(str(tmp_path / "logits.keras"), str(tmp_path / "new"), two, "Ours.\n")
    assert not (tmp_path / "new").exists()


def test_the_optimizer_is_left_out(saved: Path, tmp_path: Path) -> None:
    bundle = import_model(str(saved), str(tmp_path / "new"), SETTINGS, "Ours.\n")
    assert b"compile_config" in saved.read_bytes() and b"compile_config" not in bundle.files["model.keras"]
    without_compile_config(saved, tmp_path / "plain.keras")
    assert bundle.files["model.keras"] == (tmp_path / "plain.keras").read_bytes(), "not saved anew by Keras"


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.keras: the store has no such file"):
        import_model(str(tmp_path / "absent.keras"), str(tmp_path / "new"), SETTINGS, "Ours.\n")


def test_an_unsafe_file_is_refused_by_its_name_and_nothing_is_written(tmp_path: Path) -> None:
    unsafe = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Lambda(lambda x: x[:, 0, 0])])
    unsafe.save(tmp_path / "unsafe.keras")
    with pytest.raises(BundleError, match=rf"^{tmp_path}/unsafe\.keras: .*Lambda"):
        import_model(str(tmp_path / "unsafe.keras"), str(tmp_path / "new"), SETTINGS, "Ours.\n")
    assert not (tmp_path / "new").exists()
