"""What passes the scan is what Keras writes for a photograph's network, and nothing that could do more."""

import contextlib
import io
import json
import os
import random
import stat
import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import BundleError
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import NetworkFacts, scan_network
from tests.helpers import ROOT

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
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


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return small_network()


@pytest.fixture(scope="module")
def compiled(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("networks") / "compiled.keras"
    network.save(path)
    return path


@pytest.fixture(scope="module")
def plain(compiled: Path) -> Path:
    path = compiled.with_name("plain.keras")
    without_compile_config(compiled, path)
    return path


@pytest.fixture
def members(plain: Path) -> Members:
    return members_of(plain)


@pytest.fixture
def config(members: Members) -> Config:
    return dict(json.loads(members[CONFIG]))


@pytest.fixture
def refused(members: Members, tmp_path: Path) -> Callable[..., None]:
    """Checks that a file is refused, for the reason given, when some of its members are exchanged."""

    def check(reason: str, **changed: object) -> None:
        exchanged = dict(members)
        for name, content in changed.items():
            member = {"metadata": METADATA, "config": CONFIG, "weights": WEIGHTS}[name]
            exchanged[member] = content if isinstance(content, bytes) else json.dumps(content).encode()
        with pytest.raises(BundleError, match=reason):
            scan_network(write(tmp_path / "hostile.keras", exchanged))

    return check


def layer_named(config: Config, name: str) -> Config:
    return next(layer for layer in config["config"]["layers"] if layer["name"] == name)


# What must pass


def test_facts_are_those_of_keras(network: keras.Model, plain: Path) -> None:
    version = keras.version()
    assert scan_network(plain) == NetworkFacts((16, 16, 3), 8, network.count_params(), version)


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


# Compiled networks


def test_a_compiled_network_is_refused(compiled: Path) -> None:
    with pytest.raises(BundleError, match=r"'Functional' was compiled with.*uncompiled"):
        scan_network(compiled)


def test_nothing_compiled_is_left_at_any_depth(network: keras.Model, plain: Path) -> None:
    loaded = keras.saving.load_model(plain, compile=False)
    assert not loaded.compiled
    assert not loaded.get_layer("head").compiled
    photographs = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(photographs), network(photographs))


def test_the_weights_of_the_optimizer_are_left_out(compiled: Path, plain: Path) -> None:
    def groups(path: Path) -> set[str]:
        with h5py.File(io.BytesIO(members_of(path)[WEIGHTS])) as file:
            return set(file)

    assert groups(compiled) - groups(plain) == {"optimizer"}


def test_the_same_source_gives_the_same_bytes(compiled: Path, plain: Path, tmp_path: Path) -> None:
    without_compile_config(compiled, tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() == plain.read_bytes()
    with zipfile.ZipFile(plain) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_nothing_is_written_for_a_source_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no network")
    with pytest.raises(BundleError, match=r"text\.keras: it is not a zip archive"):
        without_compile_config(tmp_path / "text.keras", tmp_path / "target.keras")
    assert not (tmp_path / "target.keras").exists()


# Hidden objects

HIDDEN = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "x"}, "registered_name": None}


def wrapped(cls: str, inner: Config) -> Config:
    config = {"name": "w", "trainable": True, "dtype": FLOAT32, "layer": inner}
    wrapper = {"module": "keras.layers", "class_name": cls, "config": config, "registered_name": None}
    return wrapper | {"name": "w", "inbound_nodes": []}


def into_config(key: str) -> Callable[[Config, Any], None]:
    def hide(config: Config, hidden: Any) -> None:
        layer_named(config, "scores")["config"][key] = hidden

    return hide


PLACES: dict[str, Callable[[Config, Any], None]] = {
    "layer": lambda config, hidden: config["config"]["layers"].append(hidden),
    "nested network": lambda config, hidden: layer_named(config, "head")["config"]["layers"].append(hidden),
    "wrapper": lambda config, hidden: config["config"]["layers"].append(wrapped("TimeDistributed", hidden)),
    "both ways": lambda config, hidden: config["config"]["layers"].append(wrapped("Bidirectional", hidden)),
    "initializer": into_config("kernel_initializer"),
    "regularizer": into_config("kernel_regularizer"),
    "constraint": into_config("kernel_constraint"),
    "activation": into_config("activation"),
    "dtype": into_config("dtype"),
    "unexpected argument": into_config("extra"),
    "list": lambda config, hidden: into_config("units")(config, [1, [hidden]]),
    "dict": lambda config, hidden: into_config("units")(config, {"a": {"b": hidden}}),
    "initializer of an initializer": lambda config, hidden: layer_named(config, "scores")["config"][
        "kernel_initializer"
    ]["config"].update(seed=hidden),
    "build_config": lambda config, hidden: layer_named(config, "scores").update(build_config={"input_shape": hidden}),
    "compile_config": lambda config, hidden: config.update(compile_config={"loss": hidden}),
    "nested compile_config": lambda config, hidden: layer_named(config, "head").update(
        compile_config={"optimizer": hidden}
    ),
    "call": lambda config, hidden: layer_named(config, "scores")["inbound_nodes"][0]["args"].append(hidden),
    "named argument of a call": lambda config, hidden: layer_named(config, "scores")["inbound_nodes"][0].update(
        kwargs={"mask": hidden}
    ),
    "tensor": lambda config, hidden: layer_named(config, "scores")["inbound_nodes"][0]["args"][0]["config"].update(
        shape=hidden
    ),
    "unknown key": lambda config, hidden: config.update(custom_objects=hidden),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_unlisted_class_is_found_wherever_it_hides(place: str, config: Config, refused: Callable[..., None]) -> None:
    PLACES[place](config, HIDDEN)
    refused(r"'keras\.layers\.Lambda'.*expected common layers", config=config)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"module": "keras.src.layers.core.lambda_layer"}, "'keras.src.layers.core.lambda_layer.Dense'"),
        ({"module": "keras.utils", "class_name": "get_file"}, "'keras.utils.get_file'"),
        ({"module": "melanoma.model.network_scan", "class_name": "Dense"}, "'melanoma.model.network_scan.Dense'"),
        ({"module": None}, "'None.Dense'"),
        ({"module": "keras", "class_name": "layers.Dense"}, "'keras.layers.Dense'"),
        ({"module": ["keras.layers"]}, "Dense"),
        ({"class_name": {"Dense": 1}}, "Dense"),
        ({"registered_name": "hospital>Dense"}, "'Dense' registered as 'hospital>Dense'"),
        ({"custom_objects": {}}, "'Dense' with more or less"),
        ({"config": "sigmoid"}, "'Dense' with more or less"),
        ({"config": None}, "'Dense' with more or less"),
        ({"class_name": "__keras_tensor__"}, "'keras.layers.__keras_tensor__'"),
        ({"class_name": "__lambda__", "config": {"value": "4wAA"}}, "__lambda__"),
        ({"class_name": "function", "module": "builtins", "config": "eval"}, "'builtins.function'"),
        ({"class_name": "Esc\x1b[2J\n"}, r"'keras.layers.Esc\\x1b\[2J\\n'"),
    ],
)
def test_an_object_is_refused_unless_all_of_it_is_listed(
    changed: Config, reason: str, config: Config, refused: Callable[..., None]
) -> None:
    layer_named(config, "scores").update(changed)
    refused(reason, config=config)


@pytest.mark.parametrize("missing", ["module", "registered_name", "config"])
def test_an_object_is_refused_unless_it_is_whole(missing: str, config: Config, refused: Callable[..., None]) -> None:
    del layer_named(config, "scores")[missing]
    refused(f"{CONFIG} names", config=config)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("activation", "os.system", "'activation' 'os.system'"),
        ("activation", ["relu", "get_file"], "'activation' 'get_file'"),
        ("recurrent_activation", "hospital>attention", "'recurrent_activation' 'hospital>attention'"),
        ("kernel_initializer", "my_initializer", "'kernel_initializer' 'my_initializer'"),
        ("bias_regularizer", "l3", "'bias_regularizer' 'l3'"),
        ("kernel_constraint", "clip", "'kernel_constraint' 'clip'"),
        ("dtype", "string", "'dtype' 'string'"),
        ("dtype", "int8_from_float32", "'dtype' 'int8_from_float32'"),
        ("units", {"fn": "os.system"}, "a reference by 'fn'"),
        ("units", {"function": "eval"}, "a reference by 'function'"),
        ("units", {"module": "os", "config": "system"}, "a reference by 'module'"),
    ],
)
def test_a_bare_name_is_refused_unless_it_is_listed(
    key: str, value: object, reason: str, config: Config, refused: Callable[..., None]
) -> None:
    layer_named(config, "scores")["config"][key] = value
    refused(reason, config=config)


# Published attacks on the loading of networks


def function(module: str, name: str) -> Config:
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def lambda_layer(called: Config, **arguments: object) -> Config:
    inner = {"name": "l", "trainable": True, "dtype": FLOAT32, "function": called, "arguments": arguments}
    return {"module": "keras.layers", "class_name": "Lambda", "config": inner, "registered_name": None}


def saved_model_layer(canary: Path) -> Config:
    inner = {"name": "t", "trainable": False, "dtype": FLOAT32, "filepath": str(canary), "call_endpoint": "serve"}
    return {"module": "keras.layers", "class_name": "TFSMLayer", "config": inner, "registered_name": None}


def bytecode(canary: Path) -> Config:
    """The layer that Keras writes for a Python lambda which touches the canary."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        touching = layers.Lambda(eval(f"lambda x: [open({str(canary)!r}, 'w').close(), x][1]"))  # noqa: S307
        return dict(keras.saving.serialize_keras_object(touching))


ATTACKS: dict[str, Callable[[Path], list[Config]]] = {
    "CVE-2024-3660 bytecode": lambda canary: [bytecode(canary)],
    "CVE-2025-1550 any function": lambda canary: [lambda_layer(function("os", "system"), command=f"touch {canary}")],
    "CVE-2025-1550 by class": lambda canary: [
        {"module": "pathlib", "class_name": "Path", "config": {"touch": str(canary)}, "registered_name": "Path"}
    ],
    "CVE-2025-8747 gadget of Keras": lambda canary: [
        lambda_layer(
            function("keras.utils", "get_file"),
            origin=f"file://{__file__}",
            cache_dir=str(canary.parent),
            fname=canary.name,
        )
    ],
    "CVE-2025-9906 safe mode switched off": lambda canary: [
        lambda_layer(function("keras.config", "enable_unsafe_deserialization")),
        bytecode(canary),
    ],
    "CVE-2026-1462 SavedModel": lambda canary: [saved_model_layer(canary)],
    "CVE-2026-1462 in a wrapper": lambda canary: [wrapped("TimeDistributed", saved_model_layer(canary))],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_published_attacks_are_refused_and_touch_nothing(attack: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    network = keras.Sequential([layers.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2)])
    network.save(tmp_path / "network.keras")
    members = members_of(tmp_path / "network.keras")
    config = json.loads(members[CONFIG])
    config["config"]["layers"][1:1] = ATTACKS[attack](canary)
    path = write(tmp_path / "attack.keras", {**members, CONFIG: json.dumps(config).encode()})
    with pytest.raises(BundleError, match=r"Lambda|TFSMLayer|pathlib\.Path"):
        scan_network(path)
    with contextlib.suppress(Exception):
        keras.saving.load_model(path, compile=False, safe_mode=True)
    assert not list(tmp_path.rglob("canary"))


def test_the_bytecode_attack_is_a_live_one(tmp_path: Path) -> None:
    layer = keras.saving.deserialize_keras_object(bytecode(tmp_path / "canary"), safe_mode=False)
    layer(np.zeros((1, 2), np.float32))
    assert (tmp_path / "canary").exists()


# Other files under the name


def h5_network(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small_network().save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "CVE-2025-9905 HDF5": (h5_network, "it is HDF5, for which Keras ignores its safe mode"),
    "pickle": (lambda path: path.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00."), "it is a pickle"),
    "text": (lambda path: path.write_text("melanoma"), "it is not a zip archive"),
    "empty": (lambda path: path.touch(), "it is not a zip archive"),
    "start of an archive": (lambda path: path.write_bytes(b"PK\x03\x04"), "it does not open"),
    "folder": (lambda path: (path / "variables").mkdir(parents=True), "it is a folder"),
    "device": (os.mkfifo, "it is a link or a device"),
    "link": (lambda path: path.symlink_to(__file__), "it is a link or a device"),
    "missing": (lambda path: None, "it does not open"),
    "too long": (lambda path: path.open("wb").truncate(2**28 + 1), "it has 268,435,457 bytes"),
    "other archive": (lambda path: write(path, {"data.pkl": b"", "version": b"3", "x": b""}), "it holds"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_kind_of_file_is_named_for_what_it_is(kind: str, tmp_path: Path) -> None:
    make, reason = OTHERS[kind]
    make(tmp_path / "other.keras")
    with pytest.raises(BundleError, match=rf"^other\.keras: {reason}.*; expected .*; save the network again"):
        scan_network(tmp_path / "other.keras")


# Hostile archives


def archive_with(entries: list[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
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


def with_names(members: Members, *names: str) -> bytes:
    contents = dict(zip((METADATA, CONFIG, WEIGHTS), members.values(), strict=True))
    return archive_with([(zipfile.ZipInfo(name), contents.get(name, b"{}")) for name in names])


def encrypted(members: Members) -> bytes:
    data = bytearray(with_entry(members, CONFIG))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start, data.index(start) + 1) + flags] |= 1
    return bytes(data)


def with_claimed_size(members: Members, size: int) -> bytes:
    data = bytearray(with_entry(members, WEIGHTS))
    sizes = struct.pack("<2L", *[len(members[WEIGHTS])] * 2)
    for _ in range(2):
        data[data.index(sizes) : data.index(sizes) + 8] = struct.pack("<2L", size, size)
    return bytes(data)


def with_another_method(members: Members) -> bytes:
    """Writes the weights as they are, and says that they are deflated."""
    data = bytearray(with_entry(members, ""))
    data[data.rindex(b"PK\x01\x02") + 10] = zipfile.ZIP_DEFLATED
    return bytes(data)


def with_flipped_byte(members: Members) -> bytes:
    data = bytearray(with_entry(members, WEIGHTS))
    data[data.index(members[WEIGHTS]) + len(members[WEIGHTS]) // 2] ^= 1
    return bytes(data)


ZIP64_LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
THREE = (METADATA, CONFIG, WEIGHTS)
ARCHIVES: dict[str, tuple[Callable[[Members], bytes], str]] = {
    "one more": (lambda members: with_names(members, *THREE, "assets/x"), "its zip directory is unusual"),
    "one less": (lambda members: with_names(members, METADATA, CONFIG), "its zip directory is unusual"),
    "twice": (lambda members: with_names(members, METADATA, CONFIG, CONFIG), "it holds"),
    "npz weights": (lambda members: with_names(members, METADATA, CONFIG, "model.weights.npz"), "it holds"),
    "parent": (lambda members: with_names(members, METADATA, CONFIG, "../model.weights.h5"), r"it holds \['\.\./"),
    "absolute": (lambda members: with_names(members, METADATA, CONFIG, "/etc/passwd"), r"it holds \['/etc"),
    "link": (
        lambda members: with_entry(members, CONFIG, external_attr=(stat.S_IFLNK | 0o777) << 16),
        "config.json is encrypted or a link",
    ),
    "encrypted": (encrypted, "config.json is encrypted or a link"),
    "deflated": (
        lambda members: with_entry(members, WEIGHTS, compress_type=zipfile.ZIP_DEFLATED),
        "model.weights.h5 is compressed or cut",
    ),
    "said to be deflated": (with_another_method, "model.weights.h5 is compressed or cut"),
    "name that ends early": (
        lambda members: with_names(members, METADATA, CONFIG, f"{WEIGHTS}#").replace(b".h5#", b".h5\0"),
        r"it holds .*h5\\x00",
    ),
    "claims more": (lambda members: with_claimed_size(members, 2**31), "model.weights.h5 is compressed or cut"),
    "claims less": (lambda members: with_claimed_size(members, 100), "it does not open .*CRC"),
    "damaged": (with_flipped_byte, "it does not open .*CRC"),
    "behind a program": (lambda members: b"#!/bin/sh\n" + with_entry(members, ""), "it is not a zip archive"),
    "behind a zip": (lambda members: b"PK\x03\x04" + with_entry(members, ""), "its zip directory is unusual"),
    "before text": (lambda members: with_entry(members, "") + b"text", "its zip directory is unusual"),
    "zip64 directory elsewhere": (
        lambda members: with_entry(members, WEIGHTS, comment=ZIP64_LOCATOR),
        "its zip directory is unusual",
    ),
    "long directory": (
        lambda members: with_entry(members, WEIGHTS, comment=b"x" * 2000),
        "its zip directory is unusual",
    ),
    "cut": (lambda members: with_entry(members, "")[:-30], "its zip directory is unusual"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_is_refused_unless_keras_could_have_written_it(kind: str, members: Members, tmp_path: Path) -> None:
    make, reason = ARCHIVES[kind]
    (tmp_path / "hostile.keras").write_bytes(make(members))
    with pytest.raises(BundleError, match=reason):
        scan_network(tmp_path / "hostile.keras")


def test_the_archives_above_are_refused_for_their_fault_alone(members: Members, tmp_path: Path) -> None:
    (tmp_path / "plain.keras").write_bytes(with_entry(members, WEIGHTS))
    scan_network(tmp_path / "plain.keras")


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
        ("config", b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "nested very deep"),
        ("config", b'{"a": "' + b" " * 2**21 + b'"}', "config.json is very long"),
        ("config", {"layers": []}, "it does not open .KeyError"),
        ("weights", b"no HDF5", "it does not open .OSError"),
    ],
)
def test_a_member_is_refused_unless_it_reads_as_what_it_is(
    member: str, content: object, reason: str, refused: Callable[..., None]
) -> None:
    refused(reason, **{member: content})


def test_a_network_is_refused_unless_it_has_one_input(config: Config, refused: Callable[..., None]) -> None:
    config["config"]["layers"].append(config["config"]["layers"][0])
    refused("it has 2 inputs; expected one", config=config)


@pytest.mark.parametrize("shape", [[None, 4], [None, 16, 16], [None, 0, 16, 3], [None, 16.5, 16, 3], [], None])
def test_a_network_is_refused_unless_it_takes_photographs(
    shape: object, config: Config, refused: Callable[..., None]
) -> None:
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    refused("its input is|it does not open", config=config)


# Hostile weights

ARRAY = "layers/dense/vars/0"


def replace(make: Callable[[h5py.File], None]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[ARRAY]
        make(file)

    return change


def dataset(*args: Any, **kwargs: Any) -> Callable[[h5py.File], None]:
    return replace(lambda file: file.create_dataset(ARRAY, *args, **kwargs))


def link(target: object) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        file[ARRAY] = target

    return replace(make)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    file.create_virtual_dataset(ARRAY, layout)


def named_type(file: h5py.File) -> None:
    file[ARRAY] = np.dtype("f4")


def second_name(file: h5py.File) -> None:
    file["layers/again"] = file["layers/dense"]


def circle(file: h5py.File) -> None:
    file["layers/dense/again"] = file["layers"]


def round_to_the_root(file: h5py.File) -> None:
    file["layers/again"] = file["/"]


def name_of_two(file: h5py.File) -> None:
    file["layers"].create_group("denseXvars")


def many(file: h5py.File) -> None:
    for number in range(20_001):
        file.create_group(f"layers/{number}")


def attribute(file: h5py.File) -> None:
    file[ARRAY].attrs["dtype"] = "bfloat16"


PAIR = np.dtype([("a", "f4"), ("b", "f4")])
CHANGES: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "external link": (link(h5py.ExternalLink("/etc/hostname", "x")), "'0' in '/layers/dense/vars' points elsewhere"),
    "soft link out": (link(h5py.SoftLink("/nowhere")), "points elsewhere"),
    "soft link in": (link(h5py.SoftLink("/layers/conv2d/vars/0")), "points elsewhere"),
    "second name": (second_name, "names an object again"),
    "circle": (circle, "names an object again"),
    "root": (round_to_the_root, "names an object again"),
    "external file": (dataset((4,), "f4", external=[("/etc/hostname", 0, 16)]), "is not a plain array"),
    "virtual": (replace(virtual), "is not a plain array"),
    "gzip": (dataset(data=np.zeros((64, 64), "f4"), compression="gzip"), "is not a plain array"),
    "other filter": (dataset(data=np.zeros((64, 64), "f4"), compression="lzf"), "is not a plain array"),
    "in chunks": (dataset(data=np.zeros((64, 64), "f4"), chunks=(8, 8)), "is not a plain array"),
    "shape bomb": (dataset((2**40,), "f4", chunks=(2**10,), compression="gzip"), "is not a plain array"),
    "shape bomb, contiguous": (dataset((2**40,), "f4"), "is not a plain array"),
    "text": (dataset(data="x"), "is not a plain array"),
    "fixed text": (dataset(data=np.bytes_("x")), "is not a plain array"),
    "pairs": (dataset(data=np.zeros(2, PAIR)), "is not a plain array"),
    "ragged": (dataset((0,), h5py.vlen_dtype("f4")), "is not a plain array"),
    "reference": (dataset((0,), h5py.ref_dtype), "is not a plain array"),
    "region": (dataset((0,), h5py.regionref_dtype), "is not a plain array"),
    "opaque": (dataset(data=np.zeros(2, "V2")), "is not a plain array"),
    "complex": (dataset(data=np.zeros(2, "c8")), "is not a plain array"),
    "long double": (dataset(data=np.zeros(2, np.longdouble)), "is not a plain array"),
    "nothing": (dataset(data=h5py.Empty("f4")), "is not a plain array"),
    "named type": (replace(named_type), "is not a plain array"),
    "attribute": (attribute, "is not a plain array"),
    "name of two": (name_of_two, "'dense/vars' in '/layers' points elsewhere"),
    "many objects": (many, "holds very many objects"),
}


def changed(weights: bytes, change: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue().replace(b"denseXvars", b"dense/vars")


@pytest.mark.parametrize("kind", CHANGES)
def test_weights_are_refused_unless_they_lie_plainly_in_the_file(
    kind: str, members: Members, refused: Callable[..., None]
) -> None:
    change, reason = CHANGES[kind]
    refused(rf"model\.weights\.h5 .*{reason}", weights=changed(members[WEIGHTS], change))


def test_plain_arrays_of_numbers_pass_whatever_their_type(members: Members, tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        for number, dtype in enumerate(("f2", "f4", "f8", ">f4", "i8", "u4", "?")):
            file.create_dataset(f"layers/more/vars/{number}", data=np.ones(3, dtype))

    before = scan_network(write(tmp_path / "before.keras", members)).parameters
    members[WEIGHTS] = changed(members[WEIGHTS], change)
    assert scan_network(write(tmp_path / "after.keras", members)).parameters == before + 7 * 3


def test_arrays_that_overlap_cannot_claim_more_than_the_file(members: Members, refused: Callable[..., None]) -> None:
    buffer = io.BytesIO(members[WEIGHTS])
    with h5py.File(buffer, "r+") as file:
        start = file.create_dataset("layers/large", data=np.zeros(2**18, "u1")).id.get_offset()
        small = [file.create_dataset(f"layers/{n}", data=np.zeros(4093 + n, "u1")).id.get_offset() for n in range(2)]
    data = buffer.getvalue()
    for number, offset in enumerate(small):
        length = 4093 + number
        data = data.replace(struct.pack("<2Q", offset, length), struct.pack("<2Q", start, 2**18))
        data = data.replace(struct.pack("<Q", length), struct.pack("<Q", 2**18))
    with h5py.File(io.BytesIO(data)) as file:
        assert file["layers/0"].nbytes == file["layers/0"].id.get_storage_size() == 2**18
    refused(r"claims [\d,]+ bytes; expected at most its", weights=data)


# Bombs and chance


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


def test_damage_by_chance_gives_facts_or_one_clear_error(members: Members, tmp_path: Path) -> None:
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
