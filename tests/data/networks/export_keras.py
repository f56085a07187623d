"""Writes the network of Keras in this folder, and what it answers itself; see README.md."""

import csv
import json
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

FOLDER = Path(__file__).resolve().parent
LABELS = ("melanoma", "nevus", "scc")
NAME = "keras-tf2onnx"


def network() -> keras.Model:
    """Returns a network for pictures (n, 32, 32, 3) with the channels blue, green, red, from -1 to 1: logits."""
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    features = layers.SeparableConv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    features = layers.Activation("swish")(layers.BatchNormalization()(features))
    share = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(features))
    features = layers.LayerNormalization()(layers.Multiply()([features, share]))
    features = layers.Dropout(0.2)(layers.Flatten()(layers.AveragePooling2D(4)(features)))
    return keras.Model(image, layers.Dense(3)(features))


def main() -> None:
    """Writes the file, its answers, and its line in `networks.json`."""
    paths = sorted(FOLDER.glob("pictures/*.png"))
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    model = network()
    logits = model.predict((pixels[..., ::-1] / 127.5 - 1).astype(np.float32), verbose=0)
    model.export(FOLDER / f"{NAME}.onnx", format="onnx", verbose=False)
    rows = keras.ops.convert_to_numpy(keras.ops.softmax(logits)).astype(np.float64)
    with (FOLDER / f"{NAME}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", *LABELS])
        writer.writerows([[path.name, *row] for path, row in zip(paths, rows.tolist(), strict=True)])
    flags = ["--size", "32x32", "--labels", *LABELS, "--outputs", "logits", "--scale", str(1 / 127.5)]
    entry = {"name": NAME, "flags": [*flags, "--offset", "-1.0", "--channels", "bgr"], "refusal": ""}
    others = [one for one in json.loads((FOLDER / "networks.json").read_text()) if one["name"] != NAME]
    (FOLDER / "networks.json").write_text(json.dumps([*others, entry], indent=1) + "\n")


if __name__ == "__main__":
    main()
