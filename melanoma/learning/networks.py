"""Networks as plain Keras 3: pixels 0 to 255 in, class probabilities out, every scaling inside."""

import keras


def assignment_cnn(
    labels: int,
    size: tuple[int, int],
    *,
    widths: tuple[int, ...] = (32, 64, 128, 192),
    dropout: float = 0.4,
    l2: float = 3e-4,
) -> keras.Model:
    """Builds a convolutional network from scratch: blocks of convolution and pooling, dropout, a dense head.

    The first block strides over every other pixel, and pooling comes before normalisation: both cost a lesion's
    texture little and save most of the work. Seed it with `keras.utils.set_random_seed` before the call.

    Args:
        labels: Number of classes, at least 2.
        size: Height and width in pixels, each at least 2 to the power of blocks + 1.
        widths: Filters of each block.
        dropout: Share of the head's inputs silenced while training, 0 to below 1.
        l2: Penalty on the squares of every kernel's weights.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, labels).
    """
    layers, penalty = keras.layers, keras.regularizers.L2(l2)
    pixels = keras.Input((*size, 3), name="pixels")
    features = layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(pixels)
    for block, width in enumerate(widths, start=1):
        kernel, stride = (5, 2) if block == 1 else (3, 1)
        features = layers.Conv2D(
            width,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_regularizer=penalty,
            name=f"block{block}_convolution",
        )(features)
        features = layers.MaxPooling2D(2, name=f"block{block}_pooling")(features)
        # Few steps make an epoch of a small data set: Keras's own momentum would lag far behind the weights.
        features = layers.BatchNormalization(momentum=0.9, name=f"block{block}_normalisation")(features)
        features = layers.ReLU(name=f"block{block}_activation")(features)
    features = layers.GlobalAveragePooling2D(name="average")(features)
    features = layers.Dropout(dropout, name="dropout")(features)
    head = layers.Dense(labels, activation="softmax", kernel_regularizer=penalty, name="probabilities")
    return keras.Model(pixels, head(features), name="assignment_cnn")
