"""The allow-list names things that Keras 3 has, and nothing that runs code, reads files or looks names up."""

import importlib

import keras
import pytest

from melanoma.model.allowed_layers import CLASSES, NAMES

LISTED = [(module, name) for module, names in CLASSES.items() for name in sorted(names)]
# Layers and helpers of Keras that call a function by name, load a file, or hold another layer of any kind.
DANGEROUS = {
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "Wrapper", "TimeDistributed"),
    *("Bidirectional", "RNN", "StringLookup", "TextVectorization", "Pipeline", "get_file", "load_model"),
    *("deserialize_keras_object", "enable_unsafe_deserialization", "Hashing", "FeatureSpace"),
}


@pytest.mark.parametrize(("module", "name"), LISTED)
def test_every_listed_class_is_one_of_keras(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, type)


def test_nothing_listed_can_run_a_program_or_hide_a_layer() -> None:
    assert not {name for _, name in LISTED} & DANGEROUS
    assert all(hasattr(keras.layers, name) for name in ("Lambda", "TFSMLayer", "TimeDistributed")), "names are current"


def test_modules_are_those_that_keras_writes() -> None:
    for layer in (keras.layers.Dense(1), keras.layers.Rescaling(1.0), keras.initializers.HeNormal()):
        written = keras.saving.serialize_keras_object(layer)
        assert written["class_name"] in CLASSES[written["module"]]


@pytest.mark.parametrize("name", sorted(NAMES["activation"]))
def test_every_listed_activation_is_a_function_of_keras(name: str) -> None:
    assert keras.activations.get(name).__module__.startswith("keras.src.activations")


def test_initializers_regularizers_and_constraints_are_never_bare_names() -> None:
    assert all(NAMES[key] == frozenset() for key in ("initializer", "regularizer", "constraint"))


@pytest.mark.parametrize("name", sorted(NAMES["dtype"]))
def test_every_listed_type_is_one_of_keras(name: str) -> None:
    assert name.startswith("mixed_") or keras.backend.standardize_dtype(name) == name
