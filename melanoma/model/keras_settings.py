"""The settings of Keras that a network is scored with, whatever the environment or a user's keras.json says."""

import os
import sys

from melanoma.errors import UsageError

BACKEND, FLOATX, DATA_FORMAT, EPSILON = "tensorflow", "float32", "channels_last", 1e-7


def ignore_environment() -> None:
    """Keeps Keras, if it is not loaded yet, from reading another backend or a configuration file; children inherit it.

    Only for processes that score. A training may choose its backend.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = BACKEND
        os.environ["KERAS_HOME"] = os.devnull  # so that there is no keras.json, and none is written


def settle() -> None:
    """Sets what Keras has read from a configuration file to what every network is scored with.

    Raises:
        UsageError: Keras was loaded with another backend.
    """
    import keras  # not at the top: the settings come before it

    if (found := keras.config.backend()) != BACKEND:
        raise UsageError(
            f"Keras was loaded with the backend {found!r:.40}, expected {BACKEND}, which scores every network; unset "
            "KERAS_BACKEND, and remove the backend from keras.json"
        )
    if keras.config.floatx() != FLOATX:
        keras.config.set_floatx(FLOATX)
        keras.config.set_dtype_policy(FLOATX)
    keras.config.set_image_data_format(DATA_FORMAT)
    keras.config.set_epsilon(EPSILON)
