"""Scores with a hand-written `tf.data` pipeline with AUTOTUNE, `model.predict` and pandas.

Usage: `python benchmarks/peer_tfdata.py IMAGES MODEL.keras OUTPUT.parquet [RATIO]`. A RATIO of 2, 4 or 8 makes
the decoder shrink every photograph by that factor, which only suits photographs of one known size.
"""

import sys
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf


def main(images: str, network: str, output: str, ratio: str = "1") -> None:
    """Scores a folder of JPEG photographs into one Parquet file."""
    model = keras.saving.load_model(network, compile=False)
    height, width = model.input_shape[1:3]

    def load(path: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, ratio=int(ratio))
        return tf.image.resize(pixels, (height, width), antialias=True)

    paths = sorted(str(path) for path in Path(images).iterdir())
    dataset = tf.data.Dataset.from_tensor_slices(paths).map(load, num_parallel_calls=tf.data.AUTOTUNE)
    probabilities = model.predict(dataset.batch(32).prefetch(tf.data.AUTOTUNE), verbose=0)
    frame = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in range(probabilities.shape[1])])
    frame.insert(0, "image_uri", paths)
    frame.to_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
