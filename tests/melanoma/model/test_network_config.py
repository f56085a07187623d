"""A class or function that is not on the allow-list is found wherever it hides, published attacks among them."""

import contextlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import BundleError
from melanoma.model.network_config import count_layers, input_shape
from melanoma.model.network_scan import scan_network
from tests.helpers.networks import (
    CONFIG,
    FLOAT32,
    Config,
    layer_named,
    members_of,
    wrapped,
    write,
)


def test_a_compiled_network_is_refused(compiled: Path) -> None:
    with pytest.raises(BundleError, match=r"compile settings of 'Functional'.*uncompiled"):
        scan_network(compiled)


HIDDEN = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "x"}, "registered_name": None}


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
    refused(r"'keras\.layers\.Lambda'.*expected only common layers", config=config)


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
        ({"custom_objects": {}}, "'Dense' with missing or extra keys"),
        ({"config": "sigmoid"}, "'Dense' with missing or extra keys"),
        ({"config": None}, "'Dense' with missing or extra keys"),
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


def in_call(name: str, config: object, **more: object) -> Config:
    return {"class_name": name, "config": config, **more}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (in_call("__tensor__", {"value": [[0.5, 1]], "dtype": "float32"}), None),
        (in_call("__tensor__", {"value": 2, "dtype": "int32"}), None),
        (in_call("__ellipsis__", {}), None),
        (in_call("__tensor__", {"value": "a", "dtype": "float32"}), "__tensor__"),
        (in_call("__tensor__", {"value": [True], "dtype": "float32"}), "__tensor__"),
        (in_call("__tensor__", {"value": [{"a": 1}], "dtype": "float32"}), "__tensor__"),
        (in_call("__tensor__", {"value": [0.0] * 5000, "dtype": "float32"}), "__tensor__"),
        (in_call("__tensor__", {"value": [0.5], "dtype": "string"}), "'dtype' 'string'"),
        (in_call("__tensor__", {"value": [0.5], "dtype": "float32", "device": "x"}), "__tensor__"),
        (in_call("__tensor__", {"value": [0.5], "dtype": "float32"}, module="os"), "__tensor__"),
        (in_call("__ellipsis__", {"a": 1}), "__ellipsis__"),
        (in_call("__numpy__", {"value": [0.5], "dtype": "float32"}), "__numpy__"),
        (in_call("__slice__", {"start": 0, "stop": 1, "step": 1}), "__slice__"),
        (in_call("__bytes__", "a"), "__bytes__"),
        (in_call("__typespec__", [1]), "__typespec__"),
    ],
)
def test_a_value_in_a_call_is_a_few_numbers(
    value: Config, reason: str | None, config: Config, refused: Callable[..., None]
) -> None:
    layer_named(config, "scores")["inbound_nodes"][0]["args"].append(value)
    if reason is None:
        assert count_layers(config) > 0
    else:
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


def function(module: str, name: str) -> Config:
    return {"class_name": "function", "module": module, "config": name, "registered_name": name}


def lambda_layer(called: Config, **arguments: object) -> Config:
    inner = {"name": "l", "trainable": True, "dtype": FLOAT32, "function": called, "arguments": arguments}
    return {"module": "keras.layers", "class_name": "Lambda", "config": inner, "registered_name": None}


def saved_model_layer(canary: Path) -> Config:
    inner = {"name": "t", "trainable": False, "dtype": FLOAT32, "filepath": str(canary), "call_endpoint": "serve"}
    return {"module": "keras.layers", "class_name": "TFSMLayer", "config": inner, "registered_name": None}


def bytecode(canary: Path) -> Config:
    """Returns the layer that Keras writes for a Python lambda that writes the canary file."""
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


def test_the_bytecode_attack_works_without_the_scan(tmp_path: Path) -> None:
    layer = keras.saving.deserialize_keras_object(bytecode(tmp_path / "canary"), safe_mode=False)
    layer(np.zeros((1, 2), np.float32))
    assert (tmp_path / "canary").exists()


def test_a_network_is_refused_unless_it_has_one_input(config: Config, refused: Callable[..., None]) -> None:
    config["config"]["layers"].append(config["config"]["layers"][0])
    refused("it has 2 inputs; expected one", config=config)


@pytest.mark.parametrize("shape", [[None, 4], [None, 16, 16], [None, 0, 16, 3], [None, 16.5, 16, 3], [], None])
def test_a_network_that_does_not_take_photographs_is_refused(
    shape: object, config: Config, refused: Callable[..., None]
) -> None:
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    refused("its input is|it does not open", config=config)


def test_layers_are_counted_at_any_depth_without_inputs_and_models(config: Config) -> None:
    before = count_layers(config)
    nested = layer_named(config, "head")["config"]["layers"]
    nested.append({**nested[-1], "name": "one more"})
    assert count_layers(config) == before + 1


def test_a_deep_description_is_walked_up_to_its_limit() -> None:
    def nested(depth: int) -> Config:
        tree: Any = 1
        for _ in range(depth):
            tree = [tree]
        return {"units": tree}

    assert count_layers(nested(62)) == 0
    with pytest.raises(BundleError, match="nested too deeply; expected at most 64 levels"):
        count_layers(nested(64))


def test_the_input_shape_is_without_the_batch(config: Config) -> None:
    assert input_shape(config) == (16, 16, 3)
    layer = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "InputLayer")
    layer["config"]["batch_shape"] = [8, None, 32, 1]
    assert input_shape(config) == (None, 32, 1)
