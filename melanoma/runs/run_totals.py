"""What a run was planned to do, and the record that it ends with as far as it is known before the commit."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from melanoma.errors import NothingCommittedError
from melanoma.ingest.image_refs import DIGEST_BYTES
from melanoma.runs.digests import PackedDigests
from melanoma.runs.records import NOTHING_NEW, Counts, RunRecord, Stage
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk
from melanoma.runs.timeline import Timeline, merged


@dataclass(frozen=True)
class RunTotals:
    """What a run amounts to before anything is scored.

    Attributes:
        listed: Number of photographs in the sources, duplicates included.
        skipped: Number of these that need no further attempt.
        deferred: Number of these that `--limit` leaves for another run.
        adopted: Adoption keys of those that a killed run has staged, once a listing, see `image_refs.adoption_key`.
        ignored: Number of files that are not photographs, by extension.
        seconds: Duration of the listing, in seconds.
        workers: Number of worker processes.
        other_shard: Number of these that are left to runs of other shards.
        other_waiting: Number of photographs of other shards that the table does not hold.
        timeline: Of the listing; None if the run is not profiled.
        repeated: Number of these that name a photograph again, as far as the plan has left them out.
    """

    listed: int
    skipped: int
    deferred: int
    adopted: PackedDigests
    ignored: Counter[str]
    seconds: float = 0.0
    workers: int = 1
    other_shard: int = 0
    other_waiting: int = 0
    timeline: Timeline | None = None
    repeated: int = 0


def begun_record(run: Run, totals: RunTotals, chunks: Collection[StagedChunk], adopted: int) -> RunRecord:
    """Returns the record of a run that has scored everything and committed nothing yet.

    Args:
        run: The run.
        totals: What it was planned to do.
        chunks: What it has staged.
        adopted: Number of different photographs that it takes over from killed runs.

    Raises:
        NothingCommittedError: A listed photograph is not accounted for.
    """
    counts = _counted(totals, chunks, adopted)
    stages = {"list": Stage(totals.seconds, totals.listed)}
    for chunk in chunks:
        for name, stage in chunk.stages.items():
            stages[name] = stages.get(name, Stage()) + stage
    return RunRecord(
        run.run_id,
        run.run_date.isoformat(),
        run.model_id,
        NOTHING_NEW,
        counts,
        ignored=dict(totals.ignored),
        stages=stages,
        workers=totals.workers,
        model_name=run.model_name,
        shard=run.shard_text,
        other_waiting=totals.other_waiting,
        engine=", ".join(sorted({chunk.engine for chunk in chunks if chunk.engine})),
        timeline=merged([totals.timeline, *(chunk.timeline for chunk in chunks)]),
    )


def _counted(totals: RunTotals, chunks: Collection[StagedChunk], adopted: int) -> Counts:
    expected = sum(chunk.rows for chunk in chunks) + adopted
    counts = Counts(
        listed=totals.listed,
        skipped=totals.skipped + sum(chunk.forgotten for chunk in chunks),
        duplicates=totals.repeated + sum(chunk.duplicates for chunk in chunks) + len(totals.adopted) - adopted,
        deferred=totals.deferred + sum(len(chunk.deferred) // DIGEST_BYTES for chunk in chunks),
        ignored=sum(totals.ignored.values()),
        other_shard=totals.other_shard,
    )
    if not replace(counts, scored=expected).add_up:
        of_others = f", {counts.other_shard} of other shards" if counts.other_shard else ""
        raise NothingCommittedError(
            f"of {counts.listed} listed photographs {expected} were staged, {counts.skipped} skipped, "
            f"{counts.duplicates} duplicates and {counts.deferred} deferred{of_others}; the rest was lost on the way, "
            "so nothing was committed; start again, and choose another --runner if it happens again"
        )
    return counts
