"""What every engine offers, whatever runs the network."""

from typing import Protocol

from melanoma.images.pixels import Pixels
from melanoma.model.decision import ModelOutput


class Engine(Protocol):
    """A network that is ready to score; one per process is enough, because it uses all processors for a batch.

    A photograph's scores depend neither on its neighbours in a batch nor on their number, except for the last bit with
    TensorFlow, see `TensorFlowEngine`.
    """

    @property
    def version(self) -> str:
        """Name and versions of what runs the network, such as "onnxruntime-1.32.0-f32"."""

    @property
    def batch_size(self) -> int:
        """The most photographs that `score` takes."""

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores up to `batch_size` photographs.

        Args:
            pixels: uint8 (n, height, width, 3), n from 1 to `batch_size`.

        Returns:
            The network's outputs, unchecked: a broken network may return NaN.
        """
