"""EfficientNet-Lite: as deep, as wide and as large as published."""

from functools import cache

import keras
import pytest

from melanoma.training.networks.efficientnet import VARIANTS, Variant, features, scale_channels


@cache
def build(variant: str) -> keras.Model:
    pixels = keras.Input((64, 64, 3))
    return keras.Model(pixels, features(pixels, VARIANTS[variant]))


# Parameters with ImageNet's head of 1000 classes, as in https://github.com/huggingface/pytorch-image-models.
@pytest.mark.parametrize(("variant", "blocks", "parameters"), [("lite0", 16, 4_652_008), ("lite2", 21, 6_092_072)])
def test_a_variant_is_as_deep_and_as_large_as_published(variant: str, blocks: int, parameters: int) -> None:
    model = build(variant)
    assert sum(layer.name.endswith("depth_conv") for layer in model.layers) == blocks
    trained = sum(weights.numpy().size for weights in model.trainable_weights)
    assert trained + 1280 * 1000 + 1000 == parameters
    assert model.output_shape[1:] == (2, 2, 1280)


def test_scaled_channels_are_multiples_of_eight() -> None:
    """With 1.1 times the channels; 24 times 1.1 is 26.4, which is rounded down by less than a tenth."""
    model = build("lite2")
    widths = [model.get_layer(f"s{stage}b1_project_conv").filters for stage in range(1, 8)]
    assert widths == [16, 24, 48, 88, 120, 208, 352]


def test_channels_are_never_rounded_down_by_more_than_a_tenth() -> None:
    for channels in (8, 16, 24, 40, 80, 112, 192, 320):
        for width in (0.5, 0.9, 1.0, 1.1, 1.2, 1.3):
            scaled = scale_channels(channels, Variant(width, 1.0))
            assert scaled % 8 == 0
            assert 0.9 * channels * width <= scaled <= max(8, channels * width + 8)


def test_lite1_is_deeper_than_lite0_but_not_wider() -> None:
    assert VARIANTS["lite1"].width == VARIANTS["lite0"].width
    names = {layer.name for layer in build("lite1").layers}
    blocks = [sum(f"s{stage}b{block}_depth_conv" in names for block in range(1, 9)) for stage in range(1, 8)]
    assert blocks == [1, 3, 3, 4, 4, 5, 1]


def test_shortcuts_connect_blocks_of_equal_shape() -> None:
    added = [layer.name for layer in build("lite0").layers if layer.name.endswith("_add")]
    assert len(added) == 16 - 7  # all blocks but the first of each stage
    assert not [name for name in added if name.split("_")[0].endswith("b1")]


def test_drop_rates_grow_with_depth_up_to_a_fifth() -> None:
    rates = [layer.rate for layer in build("lite0").layers if layer.name.endswith("_drop")]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(0.2 * 2 / 16)  # the second stage's second block, after two others
    assert rates[-1] == pytest.approx(0.2 * 14 / 16)


def test_the_resolution_falls_to_a_thirty_second() -> None:
    sides = [build("lite0").get_layer(f"s{stage}b1_project_norm").output.shape[1] for stage in range(1, 8)]
    assert sides == [32, 16, 8, 4, 4, 2, 2]


def test_pixels_are_scaled_as_the_weights_expect() -> None:
    scaling = build("lite0").get_layer("scaling")
    assert (scaling.scale * 127 + scaling.offset, scaling.scale * 255 + scaling.offset) == (0, 1)
