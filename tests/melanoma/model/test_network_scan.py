"""What passes the scan is what Keras writes for a photograph's network; bombs and damage cost little."""

import random
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import BundleError
from melanoma.model.network_scan import NetworkFacts, scan_network
from tests.helpers import ROOT
from tests.helpers.networks import CONFIG, WEIGHTS, Members, archive_with, changed, dataset, with_entry, write


def every_layer(size: int = 16) -> keras.Model:
    """One chain through everything that the list of layers holds."""
    pixels = keras.Input((size, size, 3))
    chain = [
        *(layers.Identity(), layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1)),
        *(layers.RandomTranslation(0.1, 0.1), layers.RandomContrast(0.1), layers.Resizing(12, 12)),
        *(layers.CenterCrop(10, 10), layers.ZeroPadding2D(1), layers.Cropping2D(1), layers.Rescaling(1 / 255)),
        layers.Normalization(mean=[0.5, 0.4, 0.3], variance=[1.0, 1.0, 1.0]),
        layers.Conv2D(4, 3, kernel_initializer="he_normal", kernel_constraint=keras.constraints.MaxNorm()),
        layers.DepthwiseConv2D(3, depthwise_initializer="lecun_uniform", depthwise_regularizer="l1"),
        layers.SeparableConv2D(4, 3, pointwise_constraint="non_neg", pointwise_initializer="orthogonal"),
        layers.GroupNormalization(2, beta_initializer=keras.initializers.Constant(0.1)),
        *(layers.PReLU(), layers.LeakyReLU(), layers.ELU(), layers.ReLU(6.0), layers.Activation("hard_swish")),
        *(layers.MaxPooling2D(1), layers.AveragePooling2D(1), layers.SpatialDropout2D(0.1)),
        *(layers.GaussianDropout(0.1), layers.GaussianNoise(0.1), layers.LayerNormalization()),
    ]
    features = pixels
    for layer in chain:
        features = layer(features)
    pooled = [layers.GlobalMaxPooling2D()(features), layers.GlobalAveragePooling2D()(features)]
    merged = [kind()(pooled) for kind in (layers.Add, layers.Multiply, layers.Average, layers.Maximum)]
    merged += [layers.Subtract()(pooled), layers.Concatenate()(pooled), pooled[0] * 2 + pooled[1] / 3 - 1.0]
    tokens = layers.Reshape((4, 4))(layers.Dense(16)(layers.Concatenate()(merged)))
    attended = layers.Flatten()(layers.MultiHeadAttention(2, 4)(tokens, tokens))
    return keras.Model(pixels, layers.Softmax()(layers.Dense(3, activation=layers.LeakyReLU())(attended)))


def test_facts_agree_with_keras(trained: keras.Model, plain: Path) -> None:
    version = keras.version()
    assert scan_network(plain) == NetworkFacts((16, 16, 3), 8, trained.count_params(), version)


def test_every_listed_layer_passes_and_loads(tmp_path: Path) -> None:
    network = every_layer()
    network.save(tmp_path / "every.keras")
    facts = scan_network(tmp_path / "every.keras")
    assert facts.parameters == network.count_params()
    loaded = keras.saving.load_model(tmp_path / "every.keras", compile=False)
    photographs = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    found, expected = loaded(photographs, training=False), network(photographs, training=False)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ResNet50V2", "DenseNet121"])
def test_published_networks_pass(name: str, tmp_path: Path) -> None:
    network = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=7)
    network.save(tmp_path / "network.keras")
    facts = scan_network(tmp_path / "network.keras")
    assert facts.parameters == network.count_params()
    assert facts.input_shape == (64, 64, 3)


def test_a_network_for_any_size_and_in_half_precision_passes(tmp_path: Path) -> None:
    network = keras.Sequential([layers.Input((None, None, 3)), layers.Conv2D(2, 3, dtype="mixed_float16")])
    network.save(tmp_path / "network.keras")
    assert scan_network(tmp_path / "network.keras").input_shape == (None, None, 3)


def test_the_scan_loads_neither_keras_nor_tensorflow(plain: Path) -> None:
    program = (
        "import sys, pathlib; from melanoma.model.network_scan import scan_network;"
        "scan_network(pathlib.Path(sys.argv[1]));"
        "print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(plain)]
    root = ROOT
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("member", "content", "reason"),
    [
        ("metadata", {"keras_version": "2.15.0"}, "written by Keras '2.15.0'; expected Keras 3"),
        ("metadata", {}, "written by Keras 'None'"),
        ("metadata", {"keras_version": "3." + "1" * 100}, "written by Keras '3.111"),
        ("metadata", [], "metadata.json holds a list"),
        ("config", [], "config.json holds a list"),
        ("config", b"\xff\xfe\xfd", "it does not open"),
        ("config", b"{", "it does not open .JSONDecodeError"),
        ("config", b'{"a": ' + b"1" * 5000 + b"}", "it does not open .ValueError"),
        ("config", b'{"a": ' + b"[" * 100_000, "it does not open .RecursionError"),
        ("config", b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "nested too deeply"),
        ("config", b'{"a": "' + b" " * 2**21 + b'"}', "config.json is too long"),
        ("config", {"layers": []}, "it does not open .KeyError"),
        ("weights", b"no HDF5", "it does not open .OSError"),
    ],
)
def test_a_member_that_cannot_be_read_is_refused(
    member: str, content: object, reason: str, refused: Callable[..., None]
) -> None:
    refused(reason, **{member: content})


def directory_bomb(members: Members) -> bytes:
    return archive_with([(zipfile.ZipInfo(str(number)), b"") for number in range(30_000)])


def deflate_bomb(members: Members) -> bytes:
    return with_entry({**members, CONFIG: b"[" + b" " * 2**26 + b"]"}, CONFIG, compress_type=zipfile.ZIP_DEFLATED)


def shape_bomb(members: Members) -> bytes:
    bomb = changed(members[WEIGHTS], dataset((2**40,), "f4", chunks=(2**20,), compression="gzip"))
    return with_entry({**members, WEIGHTS: bomb}, "")


def json_bomb(members: Members) -> bytes:
    return with_entry({**members, CONFIG: b'{"a": [' + b"[]," * 7_000_000 + b"[]]}"}, "")


@pytest.mark.parametrize("bomb", [directory_bomb, deflate_bomb, shape_bomb, json_bomb])
def test_a_bomb_costs_little_time_and_memory(
    bomb: Callable[[Members], bytes], members: Members, tmp_path: Path
) -> None:
    (tmp_path / "bomb.keras").write_bytes(bomb(members))
    start = time.process_time()
    with pytest.raises(BundleError):
        scan_network(tmp_path / "bomb.keras")
    assert time.process_time() - start < 1
    tracemalloc.start()
    with pytest.raises(BundleError):
        scan_network(tmp_path / "bomb.keras")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20


def test_random_damage_ends_in_facts_or_one_clear_error(members: Members, tmp_path: Path) -> None:
    chance = random.Random(0)
    path, refusals = tmp_path / "damaged.keras", 0
    for _ in range(200):
        weights = bytearray(members[WEIGHTS])
        for _ in range(chance.choice((1, 5, 50))):
            weights[chance.randrange(len(weights))] = chance.randrange(256)
        write(path, {**members, WEIGHTS: bytes(weights)})
        try:
            scan_network(path)
        except BundleError:
            refusals += 1
    assert refusals > 50
