"""What all networks share: names of layers, and the classification head."""

import keras

HEAD, SCALING = "probabilities", "scaling"  # layer names, stored in every bundle
Size = tuple[int, int] | tuple[None, None]


def classification_head(
    features: keras.KerasTensor, num_classes: int, dropout: float, penalty: keras.Regularizer | None = None
) -> keras.KerasTensor:
    """Adds global average pooling, dropout and a dense softmax layer named `HEAD`.

    Args:
        features: (batch, height, width, channels).
        num_classes: At least 2.
        dropout: Share of the averages that is set to 0 in training, 0 to below 1.
        penalty: Regularizer of the dense layer's kernel.

    Returns:
        Probabilities (batch, num_classes).
    """
    features = keras.layers.GlobalAveragePooling2D(name="average")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    return keras.layers.Dense(num_classes, activation="softmax", kernel_regularizer=penalty, name=HEAD)(features)
