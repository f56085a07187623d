"""The rows of a commit are exactly those that were staged and adopted, each counted once, or there is no commit."""

from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.ingest.image_refs import ImageRef
from melanoma.runs import staging
from melanoma.runs.adoption import Adoption
from melanoma.runs.attempts import Progress
from melanoma.runs.commit_rows import CommitRows, Tally
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk
from tests.helpers.planned_runs import adoption_keys, digest, ref, rows_of, run_on, stage

NOTHING = Progress({}, {})


def keys(*refs: ImageRef) -> Adoption:
    """Returns what a run adopts that waits for photographs."""
    return Adoption(adoption_keys(refs))


def streamed(rows: CommitRows, run: Run) -> pa.Table:
    return pa.Table.from_batches(rows.batches(), run.schema)


def names(table: pa.Table) -> list[str]:
    return [str(name) for name in table["image_id"].to_pylist()]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_on(tmp_path, day=5)


@pytest.fixture
def killed(tmp_path: Path) -> Run:
    """A run of three days before, which never committed."""
    return run_on(tmp_path, day=2)


def test_a_tally_counts_rows_by_status_error_and_class(run: Run) -> None:
    tally = Tally()
    tally.add(rows_of(run, [ref("a"), ref("b")], {ref("c"): ErrorKind.CORRUPT}))
    tally.add(rows_of(run, [ref("d")], {ref("e"): ErrorKind.CORRUPT, ref("f"): ErrorKind.EMPTY}))
    tally.add(rows_of(run, [ref("g")], top_label="melanoma"))
    tally.add(rows_of(run))
    assert tally.total == 7 and tally.statuses == {"scored": 4, "failed": 3}
    assert tally.kinds == {"corrupt": 2, "empty": 1}
    assert tally.classes == {"nevus": 3, "melanoma": 1}


def test_chunks_come_in_the_order_of_their_numbers_whatever_the_runner_delivers(run: Run) -> None:
    second, first = stage(run, 7, rows_of(run, [ref("b")])), stage(run, 2, rows_of(run, [ref("a"), ref("c")]))
    rows = CommitRows(run, [second, first, StagedChunk(3, 0)], keys(), NOTHING)
    assert names(streamed(rows, run)) == ["a", "c", "b"]
    assert (rows.tally.total, rows.tally.adopted, rows.dropped, rows.duplicates) == (3, 0, 0, 0)


def test_adopted_rows_become_rows_of_the_run_that_adopts_them(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("a"), ref("b", attempt=3)], {ref("c"): ErrorKind.CORRUPT}))
    own = stage(run, 0, rows_of(run, [ref("d")]))
    rows = CommitRows(run, [own], keys(ref("a"), ref("b"), ref("c")), NOTHING)
    table = streamed(rows, run)
    assert names(table) == ["d", "a", "b", "c"]
    assert set(table["run_id"].to_pylist()) == {run.run_id} and set(table["run_date"].to_pylist()) == {run.run_date}
    assert table["attempt"].to_pylist() == [1, 1, 3, 1]
    assert table["status"].to_pylist() == ["scored"] * 3 + ["failed"] and table.schema.equals(run.schema)
    assert (rows.tally.total, rows.tally.adopted) == (4, 3)


def test_only_what_the_plan_wants_is_adopted(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("a"), ref("vanished"), ref("a", "v2")]))
    rows = CommitRows(run, [], keys(ref("a")), NOTHING)
    assert names(streamed(rows, run)) == ["a"] and rows.tally.adopted == 1


def test_of_rows_that_two_killed_runs_staged_one_is_adopted(tmp_path: Path, run: Run, killed: Run) -> None:
    other = run_on(tmp_path, day=3)
    stage(killed, 0, rows_of(killed, [ref("a")], top_label="melanoma"))
    stage(other, 0, rows_of(other, [ref("a")]))
    table = streamed(rows := CommitRows(run, [], keys(ref("a")), NOTHING), run)
    assert names(table) == ["a"] and rows.tally.total == 1


def test_what_the_manifest_says_otherwise_by_now_is_missing(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("a")]))
    rows = CommitRows(run, [], keys(ref("a")._replace(image_id="renamed")), NOTHING)
    with pytest.raises(NothingCommittedError, match="1 row was staged, 0 are still there"):
        streamed(rows, run)


def test_what_one_worker_staged_and_another_set_aside_has_one_row(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("a"), ref("b")], top_label="melanoma"))
    own = stage(run, 0, rows_of(run, [ref("a")]))
    rows = CommitRows(run, [own], keys(ref("a"), ref("b")), NOTHING)
    table = streamed(rows, run)
    assert (names(table), table["top_label"].to_pylist()) == (["a", "b"], ["nevus", "melanoma"])
    assert (rows.tally.total, rows.tally.adopted, rows.duplicates, rows.dropped) == (2, 1, 1, 0)


def test_what_others_have_committed_meanwhile_is_dropped(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("c"), ref("d")]))
    own = stage(run, 0, rows_of(run, [ref("a"), ref("b")]))
    since = Progress({digest(ref(name)): 1 for name in "acxy"}, {})
    rows = CommitRows(run, [own], keys(ref("c"), ref("d")), since)
    assert names(streamed(rows, run)) == ["b", "d"]
    assert (rows.tally.total, rows.tally.adopted, rows.dropped, rows.duplicates) == (2, 1, 2, 0)


def test_what_others_have_adopted_committed_and_removed_is_dropped_too(run: Run) -> None:
    rows = CommitRows(run, [], keys(ref("a"), ref("b")), Progress({digest(ref(name)): 1 for name in "ab"}, {}))
    assert streamed(rows, run).num_rows == 0 and rows.dropped == 2


def test_what_others_have_failed_to_score_meanwhile_is_a_later_attempt(run: Run) -> None:
    own = stage(run, 0, rows_of(run, [ref("a", attempt=2), ref("b", attempt=9), ref("c")]))
    since = Progress({}, {digest(ref("a")): 4, digest(ref("b")): 4})
    table = streamed(CommitRows(run, [own], keys(), since), run)
    assert table["attempt"].to_pylist() == [5, 9, 1] and table.schema.equals(run.schema)


def test_a_chunk_that_is_gone_damaged_or_of_another_length_forbids_the_commit(run: Run) -> None:
    chunk = stage(run, 4, rows_of(run, [ref("a"), ref("b")]))
    path = Path(staging.chunk_uri(run, 4).removeprefix("file://"))
    whole = path.read_bytes()
    for content in (whole[:-1], whole.replace(b"nevus", b"nevis"), b"", None):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(NothingCommittedError, match="staged chunk 4 is gone or damaged; nothing was committed"):
            streamed(CommitRows(run, [chunk], keys(), NOTHING), run)
    path.write_bytes(whole)
    with pytest.raises(NothingCommittedError, match="staged chunk 4 is gone or damaged"):
        streamed(CommitRows(run, [StagedChunk(4, 3)], keys(), NOTHING), run)
    assert names(streamed(CommitRows(run, [chunk], keys(), NOTHING), run)) == ["a", "b"]


def test_an_adopted_file_that_is_gone_or_damaged_forbids_the_commit(run: Run, killed: Run) -> None:
    stage(killed, 0, rows_of(killed, [ref("a"), ref("b")]))
    rows = CommitRows(run, [], keys(ref("a"), ref("b"), ref("c")), NOTHING)
    with pytest.raises(NothingCommittedError) as caught:
        streamed(rows, run)
    assert str(caught.value) == "3 rows were staged, 2 are still there; nothing was committed, start again"


def test_no_rows_at_all_are_no_rows(run: Run) -> None:
    rows = CommitRows(run, [], keys(), NOTHING)
    assert list(rows.batches()) == [] and rows.tally.total == 0
