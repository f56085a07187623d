"""Networks as plain Keras 3: pixels 0 to 255 in, class probabilities out, every scaling inside."""

import keras

_WIDTHS = (24, 48, 96, 128)


def assignment_cnn(
    labels: int,
    size: tuple[int, int],
    *,
    widths: tuple[int, ...] = _WIDTHS,
    dropout: float = 0.4,
    weight_decay: float = 1e-4,
) -> keras.Model:
    """Builds a convolutional network from scratch: blocks of convolution and pooling, dropout, a dense head.

    Seed it with `keras.utils.set_random_seed` before the call.

    Args:
        labels: Number of classes, at least 2.
        size: Height and width in pixels, each at least 2 to the number of blocks.
        widths: Filters of each block.
        dropout: Share of the head's inputs silenced while training, 0 to below 1.
        weight_decay: L2 penalty on every kernel.

    Returns:
        Network from float (batch, height, width, 3), 0 to 255, to probabilities (batch, labels).
    """
    penalty = keras.regularizers.L2(weight_decay)
    pixels = keras.Input((*size, 3), name="pixels")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(pixels)
    for block, width in enumerate(widths, start=1):
        features = keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_regularizer=penalty, name=f"block{block}_convolution"
        )(features)
        features = keras.layers.BatchNormalization(name=f"block{block}_norm")(features)
        features = keras.layers.ReLU(name=f"block{block}_relu")(features)
        features = keras.layers.MaxPooling2D(2, name=f"block{block}_pooling")(features)
    features = keras.layers.GlobalAveragePooling2D(name="average")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    features = keras.layers.Dense(64, activation="relu", kernel_regularizer=penalty, name="dense")(features)
    features = keras.layers.Dropout(dropout, name="dense_dropout")(features)
    outputs = keras.layers.Dense(labels, activation="softmax", kernel_regularizer=penalty, name="probabilities")(
        features
    )
    return keras.Model(pixels, outputs, name="assignment_cnn")
