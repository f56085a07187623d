"""From batches of pixels to scores, through Beam's own RunInference."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import ModelHandler, RunInference

from melanoma.images.pixels import Pixels
from melanoma.ingest.batches import Batch
from melanoma.model.bundle import bundle_of
from melanoma.model.decision import ModelOutput
from melanoma.model.engine import load_engine
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import AUTO
from melanoma.model.isolation import score_isolated
from melanoma.runs.failures import recorded
from melanoma.runs.run import Run
from pipelines.annotations import for_readers


@dataclass(frozen=True)
class ScoredBatch:
    """A batch after inference.

    Attributes:
        batch: The batch, without its pixels.
        scores: Output of the network, in the order of `batch.loaded`.
        seconds: Time that the network took.
        engine: Version of the engine that ran it; empty for a batch without photographs.
        scored_at: When the network ended, Unix time in seconds.
    """

    batch: Batch
    scores: ModelOutput
    seconds: float = 0.0
    engine: str = ""
    scored_at: float = 0.0


@dataclass(frozen=True)
class BundleRef:
    """The bundle that a worker has to load.

    Attributes:
        uri: Folder of the bundle.
        digest: Digest of the bundle with which the run was started; a bundle with another one is refused.
        num_classes: Number of classes of the bundle.
        engine: The engine to run it with, one of `melanoma.model.engine_names.ENGINES` or `AUTO`.
    """

    uri: str
    digest: str
    num_classes: int
    engine: str = AUTO


class LateEngine:
    """An engine that is loaded for its first batch, so that a run with nothing to score never loads one."""

    def __init__(self, bundle: BundleRef, batch_size: int) -> None:
        """Loads nothing yet.

        Args:
            bundle: The bundle to load.
            batch_size: The most photographs in a batch.
        """
        self._bundle, self._batch_size = bundle, batch_size
        self._engine: Engine | None = None
        self._loading = threading.Lock()

    @property
    def version(self) -> str:
        """Version of the engine; loads it."""
        return self._loaded().version

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores a batch, see `Engine.score`.

        Raises:
            BundleError: The bundle is another one by now, or does not reproduce its golden samples.
        """
        return self._loaded().score(pixels)

    def _loaded(self) -> Engine:
        with self._loading:
            if self._engine is None:
                bundle = bundle_of(self._bundle.uri, self._bundle.digest)
                self._engine = load_engine(bundle, self._batch_size, self._bundle.engine)
            return self._engine


class BundleHandler(ModelHandler[Batch, ScoredBatch, LateEngine]):
    """Loads a bundle once per process, and scores batches that Beam must not batch again."""

    def __init__(self, bundle: BundleRef, batch_size: int, run: Run | None = None) -> None:
        """Takes the settings; nothing is loaded yet.

        Args:
            bundle: The bundle to load.
            batch_size: The most photographs in a batch.
            run: Run in which an error is recorded; None for no run.
        """
        super().__init__()
        self._bundle, self._batch_size, self._run = bundle, batch_size, run

    def load_model(self) -> LateEngine:
        """Returns the engine, which loads the bundle and checks it against its golden samples for the first batch."""
        return LateEngine(self._bundle, self._batch_size)

    def run_inference(
        self, batch: Batch, model: LateEngine, inference_args: Mapping[str, Any] | None = None
    ) -> Iterator[ScoredBatch]:
        """Scores one batch; one without decoded photographs does not reach the network."""
        with recorded(self._run):
            version = model.version if len(batch) else ""
            began = time.perf_counter()
            nothing = ModelOutput(np.zeros((0, self._bundle.num_classes), np.float32))
            scores = score_isolated(model, batch.pixels) if len(batch) else nothing
            seconds = time.perf_counter() - began
            yield ScoredBatch(replace(batch, pixels=batch.pixels[:0]), scores, seconds, version, time.time())

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
        batch_size: The most photographs in a batch, at least that of `LoadImages`.
        run: Run in which an error is recorded; None for no run.
    """

    bundle: BundleRef
    batch_size: int = 32
    run: Run | None = None

    @for_readers
    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[ScoredBatch]:
        """Wires RunInference."""
        return batches | "RunInference" >> RunInference(BundleHandler(self.bundle, self.batch_size, self.run))
