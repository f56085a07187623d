"""Scores with plain Beam: ReadMatches, a Map that decodes with Pillow, RunInference, WriteToParquet.

Usage: `python benchmarks/peer_runinference.py IMAGES MODEL.keras OUTPUT.parquet`. Beam's own TensorFlow
handler needs tensorflow_hub, so this is a similar one; it calls `predict_on_batch`, which is faster on single
batches than `predict` or calling the model.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.io import fileio
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from PIL import Image

Floats = npt.NDArray[np.float32]


class KerasHandler(ModelHandler[Floats, Floats, keras.Model]):
    """Loads a Keras file once per process and scores the batches that Beam forms."""

    def __init__(self, network: str) -> None:
        """Stores the path; batches have 32 photographs, as everywhere in this comparison."""
        super().__init__(min_batch_size=32, max_batch_size=32)
        self._network = network

    def load_model(self) -> keras.Model:
        """Loads the network."""
        return keras.saving.load_model(self._network, compile=False)

    def run_inference(
        self, batch: Sequence[Floats], model: keras.Model, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[Floats]:
        """Returns the probabilities of a batch, float32 (n, classes)."""
        probabilities: Floats = model.predict_on_batch(np.stack(batch))
        return probabilities


def decode(file: fileio.ReadableFile, height: int, width: int) -> tuple[str, Floats]:
    """Returns the path and the pixels of a photograph, float32 (height, width, 3), 0 to 255."""
    with file.open() as opened:
        pixels = Image.open(opened).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return file.metadata.path, np.asarray(pixels, np.float32)


def as_row(path: str, probabilities: Floats) -> dict[str, Any]:
    """Returns the output row of one photograph."""
    return {"image_uri": path, **{f"p_{label}": float(p) for label, p in enumerate(probabilities)}}


def main(images: str, network: str, output: str) -> None:
    """Scores a folder of JPEG photographs into one Parquet file."""
    model = keras.saving.load_model(network, compile=False)
    (_, height, width, _), (_, labels) = model.input_shape, model.output_shape
    fields = [("image_uri", pa.string()), *((f"p_{label}", pa.float32()) for label in range(labels))]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | fileio.MatchFiles(f"{images}/*")
            | fileio.ReadMatches()
            | beam.Map(decode, height, width)
            | RunInference(KeyedModelHandler(KerasHandler(network)))
            | beam.MapTuple(as_row)
            | beam.io.WriteToParquet(output, pa.schema(fields), shard_name_template="")
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
