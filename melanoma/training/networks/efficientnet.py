"""EfficientNet-Lite in plain Keras 3 layers.

Tan, Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019. The Lite variants drop
squeeze-and-excitation and use ReLU6 instead of swish, so that plain layers suffice.
"""

import math
from typing import NamedTuple

import keras

from melanoma.training.networks.layers import SCALING


class Variant(NamedTuple):
    """How one network of the family is scaled.

    Attributes:
        width: Factor for the number of channels.
        depth: Factor for the number of blocks per stage.
    """

    width: float
    depth: float


class _Stage(NamedTuple):
    """Blocks of one resolution: kernel side, stride of the first block, expansion factor, channels, blocks."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


VARIANTS = {"lite0": Variant(1.0, 1.0), "lite1": Variant(1.0, 1.1), "lite2": Variant(1.1, 1.2)}
_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
_STEM, _TOP = 32, 1280  # channels; the Lite family does not scale these two
_DROP_CONNECT = 0.2  # drop rate at full depth; a block's own rate is in proportion to its depth


def features(pixels: keras.KerasTensor, variant: Variant) -> keras.KerasTensor:
    """Adds all layers up to the last feature map.

    Args:
        pixels: (batch, height, width, 3), 0 to 255.
        variant: One of `VARIANTS`.

    Returns:
        (batch, height / 32, width / 32, 1280).
    """
    layers = keras.layers
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name=SCALING)(pixels)
    x = _normalised(layers.Conv2D(_STEM, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x), "stem")
    stages = [stage._replace(blocks=_blocks(stage, number, variant)) for number, stage in enumerate(_STAGES)]
    total, done = sum(stage.blocks for stage in stages), 0
    for number, stage in enumerate(stages, start=1):
        channels = scale_channels(stage.channels, variant)
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 else 1
            x = _inverted_residual(
                x, stage._replace(stride=stride, channels=channels), f"s{number}b{block + 1}", done / total
            )
            done += 1
    return _normalised(layers.Conv2D(_TOP, 1, padding="same", use_bias=False, name="top_conv")(x), "top")


def _inverted_residual(x: keras.KerasTensor, stage: _Stage, name: str, progress: float) -> keras.KerasTensor:
    """Expands the channels, filters each one separately, projects, and adds the input where the shapes allow.

    Sandler et al.: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
    """
    layers, shortcut = keras.layers, x
    if stage.expansion > 1:
        wide = x.shape[-1] * stage.expansion
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalised(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stage.stride, padding="same", use_bias=False, name=f"{name}_depth_conv"
    )(x)
    x = _normalised(x, f"{name}_depth")
    x = layers.Conv2D(stage.channels, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalised(x, f"{name}_project", activated=False)
    if stage.stride > 1 or shortcut.shape[-1] != stage.channels:
        return x
    if progress > 0:  # stochastic depth (Huang et al., ECCV 2016): some photographs skip the block in training
        x = layers.Dropout(_DROP_CONNECT * progress, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    return layers.Add(name=f"{name}_add")([shortcut, x])


def _normalised(x: keras.KerasTensor, name: str, activated: bool = True) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activated else x


def _blocks(stage: _Stage, number: int, variant: Variant) -> int:
    """Scales the number of blocks; the Lite family keeps the first and the last stage as they are."""
    fixed = number in (0, len(_STAGES) - 1)
    return stage.blocks if fixed else math.ceil(stage.blocks * variant.depth)


def scale_channels(channels: int, variant: Variant, divisor: int = 8) -> int:
    """Returns the scaled number of channels, a multiple of `divisor` that is at least 90 % of the exact value."""
    scaled = channels * variant.width
    rounded = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * scaled else rounded
