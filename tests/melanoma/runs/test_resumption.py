"""What a run has staged before its runner repeated a step is not scored again, as far as it is whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.tasks import Chunk, Task
from melanoma.runs import staging
from melanoma.runs.resumption import resumed, without_staged
from tests.helpers.planned_runs import ref, rows_of, run_on, stage

A, B, C = ref("a"), ref("b"), ref("c", attempt=2)
SPECS = [ImageSpec(16, 16), ImageSpec(24, 20)]


def chunk(*attempts: tuple[int, int]) -> Chunk:
    """A chunk of three photographs, the first of them listed twice, with their attempts for two models."""
    tasks = [Task(photograph, of_models) for photograph, of_models in zip((A, B, C), attempts, strict=True)]
    return Chunk(5, (tasks[0], *tasks))


def test_a_whole_chunk_is_taken_from_its_file(tmp_path: Path) -> None:
    run, other = run_on(tmp_path), run_on(tmp_path, number=1)
    both = chunk((1, 1), (1, 1), (2, 1))
    assert without_staged(both, [run, other], SPECS) == (both, [])
    stage(run, 5, rows_of(run, [A, C], {B: ErrorKind.TIMEOUT}))
    left, ((model, batch),) = without_staged(both, [run, other], SPECS)
    assert model == 0 and batch.is_staged and batch.is_last and len(batch) == 0
    assert batch.pixels.shape == (0, SPECS[0].height, SPECS[0].width, 3)
    assert [task.attempts for task in left.tasks] == [(0, 1)] * 4
    found = resumed(run, batch)
    assert (found.number, found.rows, found.scored, found.store_failures, found.duplicates) == (5, 3, 2, 1, 1)
    stage(other, 5, rows_of(other, [A, B, ref("c")]))
    left, batches = without_staged(both, [run, other], SPECS)
    assert left.tasks == () and [model for model, _ in batches] == [0, 1]


@pytest.mark.parametrize("rows", [[A, B], [A, B, C, ref("d")], [A, B, ref("c", attempt=1)], [A, B, ref("c", "v2", 2)]])
def test_a_chunk_that_holds_others_or_fewer_is_scored_again(tmp_path: Path, rows: list[object]) -> None:
    run = run_on(tmp_path)
    stage(run, 5, rows_of(run, rows))  # type: ignore[arg-type]
    both = chunk((1, 0), (1, 0), (2, 0))
    assert without_staged(both, [run], SPECS[:1]) == (both, [])


def test_damaged_files_and_those_of_other_runs_do_not_count(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    one = Chunk(5, (Task(A),))
    stage(run, 5, rows_of(run, [A]))
    assert without_staged(one, [replace(run, run_id="20260103T010000Z-00000000")], SPECS[:1])[1] == []
    ((_, batch),) = without_staged(one, [run], SPECS[:1])[1]
    storage.write_bytes(staging.chunk_uri(run, 5), b"damaged")
    assert without_staged(one, [run], SPECS[:1])[1] == []
    with pytest.raises(NothingCommittedError, match="staged chunk 5 is gone"):
        resumed(run, batch)
