"""A small convolutional network that is trained from scratch."""

import keras

from melanoma.training.networks.layers import SCALING, Size, classification_head


def assignment_cnn(
    num_classes: int,
    size: Size,
    *,
    widths: tuple[int, ...] = (32, 64, 128, 192),
    dropout: float = 0.4,
    l2: float = 3e-4,
) -> keras.Model:
    """Builds blocks of convolution, pooling, batch normalisation and ReLU, and a classification head.

    The first convolution has stride 2, and pooling comes before normalisation: both save most of the computation and
    lose little of a lesion's texture. Call `keras.utils.set_random_seed` first for reproducible weights.

    Args:
        num_classes: At least 2.
        size: Height and width in pixels, each at least 2 to the power of (blocks + 1), or None for any.
        widths: Filters of each block.
        dropout: Share of the head's inputs that is set to 0 in training, 0 to below 1.
        l2: L2 penalty of every kernel.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, num_classes).
    """
    penalty = keras.regularizers.L2(l2)
    pixels = keras.Input((*size, 3), name="pixels")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name=SCALING)(pixels)
    for number, width in enumerate(widths, start=1):
        features = _block(features, number, width, penalty)
    return keras.Model(pixels, classification_head(features, num_classes, dropout, penalty), name="assignment_cnn")


def _block(features: keras.KerasTensor, number: int, width: int, penalty: keras.Regularizer) -> keras.KerasTensor:
    kernel, stride = (5, 2) if number == 1 else (3, 1)
    layers, name = keras.layers, f"block{number}"
    features = layers.Conv2D(
        width,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_regularizer=penalty,
        name=f"{name}_convolution",
    )(features)
    features = layers.MaxPooling2D(2, name=f"{name}_pooling")(features)
    # An epoch of a small data set has few steps: with Keras's momentum of 0.99 the averages would lag far behind.
    features = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalisation")(features)
    return layers.ReLU(name=f"{name}_activation")(features)
