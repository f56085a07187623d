"""Scans the description of a network: every class and function that it names must be on the allow-list."""

from collections.abc import Iterator
from typing import Any

from melanoma.model.allowed_layers import CLASSES, NAMES
from melanoma.model.network_archive import CONFIG, require

_MAX_JSON_DEPTH = 64
_MAX_NUMBERS = 4096  # a constant in a call, such as the mean of each channel
_NAMING_KEYS = ("module", "class_name", "config", "registered_name", "name")
_OBJECT_KEYS = frozenset({*_NAMING_KEYS, "inbound_nodes", "shared_object_id", "build_config", "compile_config"})
_REFERENCES = frozenset(
    ["module", "registered_name", "spec_name", "fn", "func", "function", "call", "callable", "lambda"]
)


def count_layers(config: dict[str, Any]) -> int:
    """Counts the layers of a description in which every name, at any depth, is on the allow-list.

    Raises:
        BundleError: The description names anything else, or is nested too deeply.
    """
    layers, faults = 0, set[str]()
    level: list[tuple[str, Any]] = [("", config)]
    for _ in range(_MAX_JSON_DEPTH):
        deeper: list[tuple[str, Any]] = []
        for key, node in level:
            if isinstance(node, dict):
                faults.update(_object_faults(node))
                layers += node.get("module") == "keras.layers" and node.get("class_name") != "InputLayer"
                deeper += node.items()
            elif isinstance(node, list):
                deeper += [(key, value) for value in node]
            elif isinstance(node, str) and node not in NAMES.get(key.rpartition("_")[2], (node,)):
                faults.add(f"{key!a:.40} {node!a:.60}")
        level = deeper
    require(not level, f"{CONFIG} is nested too deeply", f"at most {_MAX_JSON_DEPTH} levels")
    require(not faults, f"{CONFIG} names {', '.join(sorted(faults)[:5])}", "only common layers of Keras 3")
    return layers


def _object_faults(node: dict[str, Any]) -> Iterator[str]:
    """Yields the parts of one object of a description that could make Keras build something that is not on the list."""
    if "class_name" not in node:
        yield from (f"a reference by {key!a}" for key in _REFERENCES & node.keys())
        return
    if node.keys() == {"class_name", "config"} and _is_value(str(node["class_name"]), node["config"]):
        return
    module, name = str(node.get("module")), str(node["class_name"])
    if name not in CLASSES.get(module, ()):
        yield f"{f'{module}.{name}'!a:.100}"
    elif node.get("registered_name", "") not in (None, name):
        yield f"{name!a:.60} registered as {str(node.get('registered_name'))!a:.60}"
    elif node.keys() - _OBJECT_KEYS or not isinstance(node.get("config"), dict):
        yield f"{name!a:.60} with missing or extra keys"
    if node.get("compile_config"):  # Keras would apply those of a nested network even with compile=False
        yield f"compile settings of {name!a:.60}"


def _is_value(name: str, config: Any) -> bool:
    """Whether an object is a value in a call: the output of a layer, `...` in an index, or a few constant numbers."""
    if name == "__tensor__":
        return isinstance(config, dict) and config.keys() == {"value", "dtype"} and _are_numbers(config["value"])
    return name == "__keras_tensor__" or (name == "__ellipsis__" and config == {})


def _are_numbers(value: Any) -> bool:
    """Whether a constant is a number, or lists of numbers in lists; at most `_MAX_NUMBERS` of them."""
    level = [value]
    while any(isinstance(part, list) for part in level):
        level = [inner for part in level for inner in (part if isinstance(part, list) else [part])]
    return len(level) <= _MAX_NUMBERS and all(type(part) in (int, float) for part in level)


def input_shape(config: dict[str, Any]) -> tuple[int | None, ...]:
    """Returns height, width and channels of the one input; None where any size fits.

    Raises:
        BundleError: The network does not have one input of photographs.
    """
    layers = config["config"]["layers"]
    inputs = [layer["config"]["batch_shape"] for layer in layers if layer["class_name"] == "InputLayer"]
    require(len(inputs) == 1, f"it has {len(inputs)} inputs", "one Input layer")
    _, *shape = inputs[0]
    sides = len(shape) == 3 and all(side is None or (type(side) is int and side > 0) for side in shape)
    require(sides, f"its input is {inputs[0]!a:.100}", "batch, height, width and channels")
    return tuple(shape)
