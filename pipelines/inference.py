"""From batches of pixels to scores, through Beam's own RunInference."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import ModelHandler, RunInference

from melanoma.ingest.batches import Batch
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.model.isolation import score_isolated
from melanoma.runs.failures import recorded
from melanoma.runs.run import Run
from pipelines.annotations import for_readers

if TYPE_CHECKING:
    from melanoma.model.engine import Engine


@dataclass(frozen=True)
class ScoredBatch:
    """A batch after inference.

    Attributes:
        batch: The batch, without its pixels.
        scores: Output of the network, in the order of `batch.loaded`.
        seconds: Time that the network took.
    """

    batch: Batch
    scores: ModelOutput
    seconds: float = 0.0


@dataclass(frozen=True)
class BundleRef:
    """The bundle that a worker has to load.

    Attributes:
        uri: Folder of the bundle.
        digest: Digest of the bundle with which the run was started; a bundle with another one is refused.
        num_classes: Number of classes of the bundle.
    """

    uri: str
    digest: str
    num_classes: int


class BundleHandler(ModelHandler[Batch, ScoredBatch, "Engine"]):
    """Loads a bundle once per process, and scores batches that Beam must not batch again."""

    def __init__(self, bundle: BundleRef, batch_size: int, run: Run | None = None) -> None:
        """Takes the settings; nothing is loaded yet.

        Args:
            bundle: The bundle to load.
            batch_size: Batch size for which the network is compiled; smaller batches are padded.
            run: Run in which an error is recorded; None for no run.
        """
        super().__init__()
        self._bundle, self._batch_size, self._run = bundle, batch_size, run

    def load_model(self) -> "Engine":
        """Loads the bundle and checks it against its golden samples."""
        from melanoma.model.engine import load_engine  # TensorFlow: only where a network runs

        with recorded(self._run):
            return load_engine(load_bundle(self._bundle.uri, self._bundle.digest), self._batch_size)

    def run_inference(
        self, batch: Batch, model: "Engine", inference_args: Mapping[str, Any] | None = None
    ) -> Iterator[ScoredBatch]:
        """Scores one batch; one without decoded photographs does not reach the network."""
        with recorded(self._run):
            began = time.perf_counter()
            nothing = ModelOutput(np.zeros((0, self._bundle.num_classes), np.float32))
            scores = score_isolated(model, batch.pixels) if len(batch) else nothing
            yield ScoredBatch(replace(batch, pixels=batch.pixels[:0]), scores, time.perf_counter() - began)

    def should_skip_batching(self) -> bool:
        """Returns true, as every element is a batch already."""
        return True

    def get_num_bytes(self, batch: Batch | Sequence[Batch]) -> int:
        """Returns the size of a batch in bytes; Beam would pickle the batch to measure it."""
        return int(batch.pixels.nbytes) if isinstance(batch, Batch) else 0

    def get_metrics_namespace(self) -> str:
        """Returns the namespace of Beam's inference metrics."""
        return "melanoma"


@dataclass(eq=False)
class InferBatches(beam.PTransform):
    """Scores batches with a bundle's network. Input: `Batch`. Output: `ScoredBatch`.

    Attributes:
        bundle: The bundle to load.
        batch_size: Batch size for which the network is compiled, at least that of `LoadImages`.
        run: Run in which an error is recorded; None for no run.
    """

    bundle: BundleRef
    batch_size: int = 32
    run: Run | None = None

    @for_readers
    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[ScoredBatch]:
        """Wires RunInference."""
        return batches | "RunInference" >> RunInference(BundleHandler(self.bundle, self.batch_size, self.run))
