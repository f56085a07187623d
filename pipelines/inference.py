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
from melanoma.runs.failures import recorded
from melanoma.runs.run import Run
from pipelines.annotations import for_readers

if TYPE_CHECKING:
    from melanoma.model.engine import Engine


@dataclass(frozen=True)
class ScoredBatch:
    """A batch that has passed the network; its pixels stay behind.

    Attributes:
        batch: What was scored, with no pixels left.
        scores: What the network says, in the order of `batch.loaded`.
        seconds: That the network took.
    """

    batch: Batch
    scores: ModelOutput
    seconds: float = 0.0


@dataclass(frozen=True)
class BundleRef:
    """Which bundle a worker has to load.

    Attributes:
        uri: Folder of the bundle.
        digest: Of the bundle that the run was started with; another one is refused.
        num_classes: Number of classes of the bundle.
    """

    uri: str
    digest: str
    num_classes: int


class BundleHandler(ModelHandler[Batch, ScoredBatch, "Engine"]):
    """Loads a bundle once a process and scores ready batches, which Beam must not batch again."""

    def __init__(self, bundle: BundleRef, batch_size: int, run: Run | None = None) -> None:
        """Names the bundle.

        Args:
            bundle: What to load.
            batch_size: The one batch shape of the frozen network.
            run: Which an error ends; None for no run.
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
        """Scores one batch; one that holds failures only passes untouched."""
        with recorded(self._run):
            began = time.perf_counter()
            nothing = ModelOutput(np.zeros((0, self._bundle.num_classes), np.float32))
            scores = model.score(batch.pixels) if len(batch) else nothing
            yield ScoredBatch(replace(batch, pixels=batch.pixels[:0]), scores, time.perf_counter() - began)

    def should_skip_batching(self) -> bool:
        """Says that an element is a batch already."""
        return True

    def get_num_bytes(self, batch: Batch | Sequence[Batch]) -> int:
        """Sizes a batch without pickling it, as Beam would."""
        return int(batch.pixels.nbytes) if isinstance(batch, Batch) else 0

    def get_metrics_namespace(self) -> str:
        """Names the group of Beam's inference metrics."""
        return "melanoma"


@dataclass(eq=False)
class InferBatches(beam.PTransform):
    """Scores batches with a bundle's network. Input: `Batch`. Output: `ScoredBatch`.

    Attributes:
        bundle: What to load.
        batch_size: That of `LoadImages` or above.
        run: Which an error ends; None for no run.
    """

    bundle: BundleRef
    batch_size: int = 32
    run: Run | None = None

    @for_readers
    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[ScoredBatch]:
        """Wires RunInference."""
        return batches | "RunInference" >> RunInference(BundleHandler(self.bundle, self.batch_size, self.run))
