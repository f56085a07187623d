"""The whole night as one composite."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import apache_beam as beam

from melanoma.bundle import Bundle
from melanoma.inputs import ImageRef, digest_of
from melanoma.runs import Run
from melanoma.staging import announce
from pipelines.commit import CommitRun
from pipelines.inference import BundleRef, InferBatches
from pipelines.listing import IGNORED, SKIPPED, STAGED, ListImages, SkipDone
from pipelines.loading import ChunkImages, LoadImages
from pipelines.staging import StageChunks


@dataclass(eq=False)
class ScoreImages(beam.PTransform):
    """Scores what sources list and the table does not hold. Input: `Source`. Output: one `RunRecord`.

    Attributes:
        run: Who writes what where.
        bundle: The model, checked by the caller.
        batch_size: Photographs in a batch of the network, at least 1.
        chunk_size: Photographs that are staged together, on average; None to let their number decide.
        limit: Score at most so many; None for all.
        workers: Of the runner.
    """

    run: Run
    bundle: Bundle
    batch_size: int = 32
    chunk_size: int | None = None
    limit: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        """Lets Beam name the transform."""
        super().__init__()

    def expand(self, sources: beam.PCollection) -> beam.PCollection:
        """Reads like the night: list, skip, chunk, load, infer, stage, commit."""
        described = replace(self.bundle, files={})
        bundle_ref = BundleRef(self.bundle.uri, self.bundle.digest, len(self.bundle.labels))
        listing = sources | "List" >> ListImages()
        asked = listing["listed"] | "Skip" >> SkipDone(self.run)
        new = asked.new
        chosen = new if self.limit is None else new | "Limit" >> _Limit(self.limit)
        _ = _count(chosen, "CountChosen") | "Announce" >> beam.Map(_announce, self.run)
        staged = (
            chosen
            | "Chunk" >> ChunkImages(self.chunk_size, self.workers)
            | "Load" >> LoadImages(self.bundle.spec, self.batch_size)
            | "Infer" >> InferBatches(bundle_ref, self.batch_size)
            | "Stage" >> StageChunks(self.run, described)
        )
        return staged | "Commit" >> CommitRun(
            self.run,
            listed=_count(listing["listed"], "CountListed"),
            skipped=_count(asked[SKIPPED], "CountSkipped"),
            deferred=_count(new, "CountNew") | "Deferred" >> beam.Map(_deferred, self.limit),
            adopted=asked[STAGED],
            ignored=listing[IGNORED],
        )


class _Limit(beam.PTransform):
    """Keeps a number of photographs, the same ones on every start."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def expand(self, refs: beam.PCollection) -> beam.PCollection:
        first = refs | beam.combiners.Top.Smallest(self._limit, key=_order)
        return first | "Flatten" >> beam.FlatMap(_as_is)


def _order(ref: ImageRef) -> bytes:
    return digest_of(ref.uri, ref.version)


def _as_is(refs: Iterable[ImageRef]) -> Iterable[ImageRef]:
    return refs


def _deferred(new: int, limit: int | None) -> int:
    return max(0, new - limit) if limit is not None else 0


def _announce(images: int, run: Run) -> None:
    announce(run, images)


def _count(elements: beam.PCollection, label: str) -> beam.PCollection:
    return elements | label >> beam.combiners.Count.Globally()
