"""Networks with ImageNet weights: EfficientNet-Lite, and those that Keras downloads."""

import functools
from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.model.network_scan import scan_network
from melanoma.training.networks import imagenet_weights
from melanoma.training.networks.layers import HEAD
from melanoma.training.networks.pretrained import (
    efficientnet_lite,
    keras_application,
    keras_applications,
    preprocess,
)


@pytest.fixture(scope="module")
def lite0() -> keras.Model:
    return efficientnet_lite("lite0", 7, (64, 64))


def test_lite0_returns_probabilities_and_passes_the_scan(lite0: keras.Model, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    probabilities = np.asarray(lite0(pixels, training=False))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    lite0.save(tmp_path / "model.keras")
    assert scan_network(tmp_path / "model.keras").parameters == 3_421_991
    assert (tmp_path / "model.keras").stat().st_size < 20e6


def test_lite0_starts_from_imagenet_but_for_its_head(lite0: keras.Model) -> None:
    bias = imagenet_weights.read_state("lite0")["_bn1.bias"]
    np.testing.assert_array_equal(lite0.get_layer("top_norm").get_weights()[1], bias)
    assert lite0.get_layer(HEAD).get_weights()[0].shape == (1280, 7)
    assert lite0.get_layer("dropout").rate == 0.3


def test_a_network_of_keras_gets_a_head_and_requests_imagenet_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    without_download = functools.partial(keras.applications.MobileNetV3Small, weights=None)

    def build(include_top: bool, weights: str, input_tensor: keras.KerasTensor) -> keras.Model:
        assert (include_top, weights) == (False, "imagenet")
        return without_download(include_top=False, input_tensor=input_tensor)

    build.__module__ = keras.applications.MobileNetV3Small.__module__  # where `preprocess_input` is looked up
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", build)
    network = keras_application("MobileNetV3Small", 3, (64, 64))
    assert network.output_shape == (None, 3)
    assert (network.name, network.layers[-1].name) == ("mobilenetv3small", HEAD)


def test_weights_that_cannot_be_downloaded_are_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(**_: object) -> keras.Model:
        raise Exception("URL fetch failure: 404")

    build.__module__ = keras.applications.VGG16.__module__
    monkeypatch.setattr(keras.applications, "VGG16", build)
    with pytest.raises(UsageError, match=r"VGG16: Keras could not load .* \(URL fetch failure: 404\)"):
        keras_application("VGG16", 3, (64, 64))


def test_the_names_of_keras_are_its_networks() -> None:
    names = keras_applications()
    assert {"VGG16", "ResNet50", "EfficientNetV2S", "ConvNeXtTiny"} <= set(names)
    assert all(callable(getattr(keras.applications, name)) for name in names)
    assert names == sorted(names) and "vgg16" not in names


@pytest.mark.parametrize(
    ("name", "module", "layers"),
    [
        ("ResNet50", "resnet", 2),
        ("VGG16", "vgg16", 2),
        ("MobileNetV2", "mobilenet_v2", 2),
        ("DenseNet121", "densenet", 2),
        ("EfficientNetB0", "efficientnet", 1),
        ("ConvNeXtTiny", "convnext", 1),
    ],
)
def test_pixels_are_scaled_as_in_the_pretraining(name: str, module: str, layers: int) -> None:
    pixels = keras.Input((4, 4, 3))
    network = keras.Model(pixels, preprocess(pixels, name))
    assert len(network.layers) == layers and not network.trainable_weights
    raw = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(raw.copy())
    np.testing.assert_allclose(np.asarray(network(raw)), expected, rtol=1e-4, atol=1e-3)
