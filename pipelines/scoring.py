"""The whole run as one transform."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import apache_beam as beam

from melanoma.ingest.batches import Batch
from melanoma.ingest.sources import Source
from melanoma.ingest.tasks import PackedChunk
from melanoma.model.engine_names import AUTO
from melanoma.runs.chunking import ChunkSize
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun
from melanoma.runs.staging import StagedChunk
from melanoma.runs.task_waves import DEFAULT_WAVE_SIZE, WaveSettings
from pipelines.annotations import for_readers
from pipelines.chunking import SpreadChunks
from pipelines.commit import CommitRun, CommitSettings
from pipelines.inference import BundleRef, InferBatches
from pipelines.listing import ListChunks
from pipelines.loading import LoadImages
from pipelines.staging import StageChunks


@dataclass(eq=False)
class ScoreImages(beam.PTransform):
    """Scores the photographs that sources list and the table lacks. Input: `Source`. Output: one `RunRecord` per model.

    Every photograph is listed and read once, whatever the number of models; everything else happens per model.

    Attributes:
        models: Models that score, each with a run of its own.
        batch_size: Number of photographs in a batch of a network, at least 1.
        chunk_size: Average number of photographs that are staged together; None to derive it from their number.
        limit: The most photographs to score, or None for no limit.
        workers: Number of worker processes, or of slots of a cluster.
        is_distributed: Whether these are the slots of a cluster, over which the chunks are spread evenly.
        engine: The engine that runs the networks, one of `melanoma.model.engine_names.ENGINES` or `AUTO`.
        wave_size: The most photographs that wait in memory to be cut into chunks.
    """

    models: Sequence[ModelRun]
    batch_size: int = 32
    chunk_size: int | None = None
    limit: int | None = None
    workers: int = 1
    is_distributed: bool = False
    engine: str = AUTO
    wave_size: int = DEFAULT_WAVE_SIZE

    @for_readers
    def expand(self, sources: beam.PCollection[Source]) -> beam.PCollection[RunRecord]:
        """Wires the run: list, choose, chunk, load, infer, stage, commit."""
        runs = [model.run for model in self.models]
        settings = WaveSettings(ChunkSize(self.chunk_size, self.workers), self.limit, self.wave_size)
        listing = sources | "List" >> ListChunks(runs, settings)
        records: list[beam.PCollection[RunRecord]] = []
        for number, batches in enumerate(self._load(listing.chunks)):
            commit_settings = CommitSettings(runs[number], number, self.workers)
            commit = CommitRun(commit_settings, listing.planned, after=records[-1] if records else None)
            records.append(self._stage(number, batches) | f"Commit{number}" >> commit)
        return records | "Records" >> beam.Flatten()

    def _load(self, packed: beam.PCollection[PackedChunk]) -> list[beam.PCollection[Batch]]:
        """Wires loading; returns the batches of each model."""
        runs, specs = [model.run for model in self.models], [model.bundle.spec for model in self.models]
        deadline = runs[0].deadline
        chunks = packed | "Chunks" >> SpreadChunks(self.workers, self.is_distributed, deadline is not None)
        load = LoadImages(specs, self.batch_size, deadline=deadline, runs=runs)
        batches: list[beam.PCollection[Batch]] = chunks | "Load" >> load
        return batches

    def _stage(self, number: int, batches: beam.PCollection[Batch]) -> beam.PCollection[StagedChunk]:
        """Wires inference and staging of one model."""
        run, bundle = self.models[number].run, self.models[number].bundle
        bundle_ref = BundleRef(bundle.uri, bundle.digest, len(bundle.labels), self.engine)
        return (
            batches
            | f"Infer{number}" >> InferBatches(bundle_ref, self.batch_size, run)
            | f"Stage{number}" >> StageChunks(run, replace(bundle, files={}))
        )
