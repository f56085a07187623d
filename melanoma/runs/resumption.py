"""Chunks that the same run has staged before its runner repeated a step: they are not scored again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch
from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.tasks import Chunk
from melanoma.runs.digests import digests_in
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk, chunk_uri, read_chunk
from melanoma.table.schema import SCORED

_STORE_FAILURES = [kind.value for kind in ErrorKind if kind.is_store_failure]


def without_staged(
    chunk: Chunk, runs: Sequence[Run], specs: Sequence[ImageSpec]
) -> tuple[Chunk, list[tuple[int, Batch]]]:
    """Takes out of a chunk what models need not score again.

    Args:
        chunk: A chunk.
        runs: Run of each model; empty for no run.
        specs: What the decoder delivers to each model.

    Returns:
        The chunk without those attempts, which may be empty, and a batch without pixels for each model that has staged
        it whole.
    """
    batches = list[tuple[int, Batch]]()
    left = list(chunk.tasks)
    for model, run in enumerate(runs):
        if chunk.refs_for(model) and _is_whole(run, model, chunk):
            pixels = np.zeros((0, specs[model].height, specs[model].width, 3), np.uint8)
            duplicates = chunk.duplicates_for(model)
            batches.append((model, Batch(chunk.number, (), pixels, duplicates=duplicates, is_staged=True)))
            left = [task._replace(attempts=_without(task.attempts, model)) for task in left]
    return replace(chunk, tasks=tuple(task for task in left if any(task.attempts))), batches


def _without(attempts: tuple[int, ...], model: int) -> tuple[int, ...]:
    return (*attempts[:model], 0, *attempts[model + 1 :])


def _is_whole(run: Run, model: int, chunk: Chunk) -> bool:
    """Tells whether the staged file of a chunk has one row for each of its photographs, and no other."""
    rows = _read(run, chunk.number)
    if rows is None:
        return False
    expected = {digest_of(ref.uri, ref.version): ref.attempt for ref in chunk.refs_for(model)}
    found = dict(zip(digests_in(rows), rows["attempt"].to_pylist(), strict=True))
    return found == expected and rows.num_rows == len(expected)


def _read(run: Run, number: int) -> pa.Table | None:
    uri = chunk_uri(run, number)
    try:
        return read_chunk(run, uri) if storage.exists(uri) else None
    except ReadError:  # then it is scored again
        return None


def resumed(run: Run, batch: Batch) -> StagedChunk:
    """Returns what was staged of a chunk that needs nothing more.

    Args:
        run: Run of the model.
        batch: The batch that stands for the chunk.

    Raises:
        NothingCommittedError: The staged file has gone meanwhile.
    """
    rows = _read(run, batch.chunk)
    if rows is None:
        raise NothingCommittedError(f"{run.layout}: staged chunk {batch.chunk} is gone; start again")
    failures = pa.compute.is_in(rows["error_kind"], pa.array(_STORE_FAILURES, pa.string()))
    return StagedChunk(
        number=batch.chunk,
        rows=rows.num_rows,
        duplicates=batch.duplicates,
        scored=rows["status"].to_pylist().count(SCORED),
        store_failures=pa.compute.sum(failures).as_py() or 0,
    )
