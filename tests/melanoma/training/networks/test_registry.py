"""Networks by name."""

import keras
import pytest

from melanoma.errors import UsageError
from melanoma.training.networks.registry import BACKEND, NETWORKS, check_buildable, network_named


def test_the_networks_of_this_package_are_known_by_name() -> None:
    assert list(NETWORKS) == ["assignment-cnn", "lite0", "lite1", "lite2"]
    assert [name for name in NETWORKS if network_named(name).is_pretrained] == ["lite0", "lite1", "lite2"]
    assert network_named("lite1").description == "EfficientNet-Lite1"


@pytest.mark.parametrize("name", ["assignment-cnn", "lite0"])
def test_feature_layers_are_feature_maps_of_the_network(name: str) -> None:
    network = NETWORKS[name].build(2, (64, 64))
    sides = [network.get_layer(layer).output.shape[1] for layer in NETWORKS[name].feature_layers]
    assert sides == sorted(sides, reverse=True) and sides[-1] >= 2
    assert network.output_shape == (None, 2)


def test_a_network_of_keras_is_known_by_its_name_and_has_no_ood_score() -> None:
    network = network_named("VGG16")
    assert network.is_pretrained and network.feature_layers == ()
    assert network.description == "Keras's VGG16"


@pytest.mark.parametrize("name", ["NoSuchNet", "vgg16", "lite9", ""])
def test_an_unknown_name_is_a_usage_error_that_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=f"network '{name}' is unknown; choose one of assignment-cnn, lite0.*VGG16"):
        network_named(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("vgg16", "VGG16"), ("efficientnet_b0", "EfficientNetB0"), ("AssignmentCNN", "assignment-cnn"), ("lite9", "")],
)
def test_another_spelling_of_a_network_is_understood_as_a_hint(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as refused:
        network_named(name)
    assert str(refused.value).partition("; did you mean ")[2] == (meant and f"{meant}?")


def test_networks_are_checked_before_a_training() -> None:
    check_buildable(["assignment-cnn", "assignment-cnn"])
    with pytest.raises(UsageError, match="'NoSuchNet' is unknown"):
        check_buildable(["assignment-cnn", "NoSuchNet"])


def test_the_backend_is_the_one_that_keras_uses() -> None:
    assert keras.config.backend() == BACKEND
