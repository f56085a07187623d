"""The end of a run: every listed photograph is accounted for, and the table holds the expected rows, or nothing new."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.ingest.image_refs import ImageRef
from melanoma.runs import deferred, staging
from melanoma.runs.commit import end_run
from melanoma.runs.records import Counts, RunRecord, Stage
from melanoma.runs.run import Run
from melanoma.runs.run_totals import RunTotals
from melanoma.runs.staging import StagedChunk
from melanoma.runs.stored_records import read_record
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import committed, rows
from tests.helpers.planned_runs import adoption_keys, commit, digest, ref, rows_of, run_on, stage

FINAL, HEALING = ErrorKind.CORRUPT, ErrorKind.TIMEOUT


def totals(listed: int, adopted: Sequence[ImageRef] = (), **values: Any) -> RunTotals:
    planned = {"skipped": 0, "deferred": 0, "ignored": Counter(), **values}
    return RunTotals(listed=listed, adopted=adoption_keys(adopted), **planned)


@dataclass
class Mixture:
    """A run over a random mixture of photographs, and what has to become of each.

    Attributes:
        run: The run, planned but not ended.
        totals: What it was planned to do.
        chunks: What it staged.
        rows: Expected rows of this run, as attempt and status by name.
        counts: Expected counts.
        adopted: Expected number of adopted rows.
    """

    run: Run
    totals: RunTotals
    chunks: list[StagedChunk]
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    adopted: int = 0


def mixture(folder: Path, seed: int) -> Mixture:
    """Draws a mixture of chunks, adopted rows, rows that others commit meanwhile, duplicates and deferred photographs.

    Each photograph gets a fate; the expected rows and counts follow from the fates alone.
    """
    draw = random.Random(seed)
    fates = ["own", "own", "own failed", "adopted", "adopted failed", "adopted twice", "both", "own dropped"]
    fates += ["adopted dropped", "own tried meanwhile", "duplicate", "deferred", "skipped", "forgotten", "limited"]
    by_fate = {fate: [ref(f"{fate} {number}") for number in range(draw.randrange(6))] for fate in dict.fromkeys(fates)}
    by_fate["own"].append(ref("own for sure"))

    def of(*fates: str) -> list[ImageRef]:
        return [photograph for fate in fates for photograph in by_fate[fate]]

    killed, run, other = (run_on(folder, day) for day in (1, 3, 2))

    staged = [
        photograph for fate in ("adopted", "adopted twice", "both", "adopted dropped") for photograph in by_fate[fate]
    ]
    stage(killed, 0, rows_of(killed, staged, dict.fromkeys(by_fate["adopted failed"], FINAL)))
    dropped = of("own dropped", "adopted dropped")
    commit(other, rows_of(other, dropped, dict.fromkeys(by_fate["own tried meanwhile"], HEALING)))

    scored = [
        photograph
        for fate in ("own", "both", "own dropped", "own tried meanwhile", "duplicate")
        for photograph in by_fate[fate]
    ]
    draw.shuffle(scored)
    cuts = sorted(draw.randrange(len(scored) + 1) for _ in range(3))
    parts = [scored[start:end] for start, end in zip([0, *cuts], [*cuts, len(scored)], strict=True)]
    chunks = [stage(run, number, rows_of(run, part), scored=len(part)) for number, part in enumerate(parts)]
    chunks.append(stage(run, 4, rows_of(run, [], dict.fromkeys(by_fate["own failed"], FINAL))))
    chunks.append(StagedChunk(5, 0, len(by_fate["duplicate"]), deferred=b"".join(map(digest, by_fate["deferred"]))))
    chunks += [StagedChunk(6 + number, 0, forgotten=1) for number in range(len(by_fate["forgotten"]))]
    draw.shuffle(chunks)

    adopted = [
        photograph for fate in ("adopted", "adopted failed", "both", "adopted dropped") for photograph in by_fate[fate]
    ]
    adopted += by_fate["adopted twice"] * 2
    size = {fate: len(refs) for fate, refs in by_fate.items()}
    listed = sum(size.values()) + size["adopted twice"] + size["both"] + size["duplicate"]
    plan = totals(listed, adopted, skipped=size["skipped"], deferred=size["limited"], ignored=Counter({".txt": 2}))
    found = Mixture(run, plan, chunks)
    for fate in ("own", "own tried meanwhile", "adopted", "adopted twice", "both", "duplicate"):
        attempt = 2 if fate == "own tried meanwhile" else 1
        found.rows |= {photograph.image_id: (attempt, "scored") for photograph in by_fate[fate]}
    for fate in ("own failed", "adopted failed"):
        found.rows |= {photograph.image_id: (1, "failed") for photograph in by_fate[fate]}
    failures = size["own failed"] + size["adopted failed"]
    found.counts = Counts(
        listed=listed,
        scored=len(found.rows) - failures,
        failed=failures,
        skipped=size["skipped"] + size["forgotten"] + len(dropped),
        duplicates=size["adopted twice"] + size["both"] + size["duplicate"],
        deferred=size["deferred"] + size["limited"],
        ignored=2,
    )
    found.adopted = size["adopted"] + size["adopted failed"] + size["adopted twice"]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_counts_and_rows_are_those_that_each_photograph_calls_for(tmp_path: Path, seed: int) -> None:
    mixed = mixture(tmp_path, seed)
    record = end_run(mixed.run, mixed.totals, mixed.chunks)
    assert record.counts == mixed.counts and record.counts.add_up
    assert (record.outcome, record.adopted) == ("committed", mixed.adopted)
    own = [row for row in rows(tmp_path) if row["run_id"] == mixed.run.run_id]
    assert {row["image_id"]: (row["attempt"], row["status"]) for row in own} == mixed.rows
    assert len(own) == len(mixed.rows) and {row["run_date"] for row in own} == {mixed.run.run_date}
    assert record.failures == ({"corrupt": mixed.counts.failed} if mixed.counts.failed else {})
    assert sum(record.classes.values()) == mixed.counts.scored
    assert record.table_version == table_in(tmp_path).version
    assert read_record(mixed.run) == record and staging.staged_files(mixed.run) == []


@pytest.mark.parametrize("seed", range(2))
def test_ending_a_run_twice_recalls_its_record_from_the_table(tmp_path: Path, seed: int) -> None:
    mixed = mixture(tmp_path, seed)
    first = end_run(mixed.run, mixed.totals, mixed.chunks)
    before, path = committed(tmp_path), tmp_path / "_reports" / f"{mixed.run.run_id}.json"
    path.unlink()
    second = end_run(mixed.run, mixed.totals, mixed.chunks)
    assert committed(tmp_path) == before and path.exists()
    assert (second.outcome, second.failures, second.classes) == (first.outcome, first.failures, first.classes)
    assert second.counts.add_up and second.counts.scored == first.counts.scored


def test_a_recalled_record_is_the_same_but_for_the_duration_of_the_commit(tmp_path: Path) -> None:
    killed, run = run_on(tmp_path), run_on(tmp_path, day=1)
    stage(killed, 0, rows_of(killed, [ref("a"), ref("b")]))
    chunks = [stage(run, 0, rows_of(run, [ref("c")], {ref("d"): FINAL}))]
    plan = totals(5, [ref("a"), ref("b")], skipped=1)
    first, second = (replace(end_run(run, plan, chunks), stages={}) for _ in range(2))
    assert first == second and (first.adopted, first.counts.scored, first.counts.failed) == (2, 3, 1)


@pytest.mark.parametrize("lost", [-1, 1, 5])
def test_a_photograph_that_is_not_accounted_for_forbids_the_commit(tmp_path: Path, lost: int) -> None:
    run = run_on(tmp_path)
    chunks = [stage(run, 0, rows_of(run, [ref("a"), ref("b")]), duplicates=1, deferred=digest(ref("c")))]
    with pytest.raises(NothingCommittedError) as caught:
        end_run(run, totals(10 + lost, [ref("d"), ref("d")], skipped=3, deferred=1), chunks)
    assert str(caught.value).startswith(
        f"of {10 + lost} listed photographs 3 were staged, 3 skipped, 2 duplicates and 2 deferred; the rest was lost"
    )
    assert table_in(tmp_path).version is None and read_record(run) is None
    assert len(staging.staged_files(run)) == 1, "what is scored stays staged"


def test_a_run_with_nothing_to_commit_leaves_a_record_and_the_table_alone(tmp_path: Path) -> None:
    commit(run_on(tmp_path), rows_of(run_on(tmp_path), [ref("a")]))
    run, version = run_on(tmp_path, day=1), table_in(tmp_path).version
    record = end_run(run, totals(1, skipped=1, ignored=Counter({".pdf": 3}), seconds=0.5, workers=4), [])
    assert record == RunRecord(
        run.run_id,
        "2026-01-03",
        run.model_id,
        "nothing_new",
        Counts(listed=1, skipped=1, ignored=3),
        table_version=version,
        ignored={".pdf": 3},
        stages={"list": Stage(0.5, 1)},
        workers=4,
    )
    assert table_in(tmp_path).version == version and read_record(run) == record


def test_an_empty_first_run_makes_no_table(tmp_path: Path) -> None:
    record = end_run(run_on(tmp_path), totals(0), [])
    assert (record.outcome, record.table_version) == ("nothing_new", None) and table_in(tmp_path).version is None


def failing_chunk(run: Run, count: int) -> StagedChunk:
    failures = {ref(f"failed {number}"): HEALING for number in range(count)}
    return stage(run, 0, rows_of(run, [], failures), store_failures=count)


@pytest.mark.parametrize(
    ("failures", "known", "outcome"),
    [(1, 0, "store_down"), (10, 0, "store_down"), (9, 1, "committed"), (10, 1, "store_down"), (10, 99, "store_down")],
)
def test_a_store_that_returns_nothing_is_down_unless_it_is_only_a_few(
    tmp_path: Path, failures: int, known: int, outcome: str
) -> None:
    run = run_on(tmp_path)
    record = end_run(run, totals(failures + known, skipped=known), [failing_chunk(run, failures)])
    is_down = outcome == "store_down"
    assert record.outcome == outcome and record.counts.add_up
    assert record.counts.deferred == (failures if is_down else 0)
    assert record.counts.failed == (0 if is_down else failures)
    assert committed(tmp_path) == (0 if is_down else failures) and staging.staged_files(run) == []


def test_one_photograph_that_the_store_returned_shows_that_it_is_up(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    chunks = [failing_chunk(run, 50), stage(run, 1, rows_of(run, [ref("a")]))]
    assert end_run(run, totals(51), chunks).counts == Counts(listed=51, scored=1, failed=50)


def test_rows_to_adopt_show_that_the_store_was_up(tmp_path: Path) -> None:
    killed, run = run_on(tmp_path), run_on(tmp_path, day=1)
    stage(killed, 0, rows_of(killed, [ref("a")]))
    record = end_run(run, totals(51, [ref("a")]), [failing_chunk(run, 50)])
    assert record.counts == Counts(listed=51, scored=1, failed=50) and record.adopted == 1


def test_work_is_added_up_by_kind(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    chunks = [
        stage(run, 0, rows_of(run, [ref("a")]), stages={"read": Stage(0.5, 1, 10), "infer": Stage(1.0, 1)}),
        stage(run, 1, rows_of(run, [ref("b")]), stages={"read": Stage(0.25, 1, 20)}),
    ]
    stages = dict(end_run(run, totals(2, seconds=0.125), chunks).stages)
    assert stages.pop("commit").photographs == 2
    assert stages == {"list": Stage(0.125, 2), "read": Stage(0.75, 2, 30), "infer": Stage(1.0, 1)}


def remembered(folder: Path, listed: RunTotals, chunks: list[StagedChunk]) -> frozenset[bytes]:
    """Ends a run after one that deferred "old", and returns what is remembered then."""
    deferred.write(run_on(folder), {digest(ref("old"))})
    run = run_on(folder, day=1)
    end_run(run, listed, chunks or [failing_chunk(run, 1)])
    return frozenset(deferred.read(run))


def test_deferred_photographs_are_remembered_one_by_one_where_they_are_known(tmp_path: Path) -> None:
    late = StagedChunk(0, 0, deferred=digest(ref("new")))
    assert remembered(tmp_path / "deadline", totals(1), [late]) == {digest(ref("new"))}
    assert remembered(tmp_path / "limit", totals(3, deferred=2), [late]) == {digest(ref("new")), digest(ref("old"))}
    assert remembered(tmp_path / "nothing", totals(1, skipped=1), [StagedChunk(0, 0)]) == frozenset()
    assert remembered(tmp_path / "store down", totals(1), []) == {digest(ref("old"))}


def test_a_record_that_cannot_be_written_does_not_hide_the_commit(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    chunks = [stage(run, 0, rows_of(run, [ref("a")]))]
    (tmp_path / "_reports").write_text("a file where the folder should be")
    with pytest.raises(NothingCommittedError, match="the rows are committed as version 1, but the run's record is not"):
        end_run(run, totals(1), chunks)
    (tmp_path / "_reports").unlink()
    assert end_run(run, totals(1), chunks).counts == Counts(listed=1, scored=1)
    assert committed(tmp_path) == 1


def test_a_record_names_no_photograph(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    end_run(run, totals(2), [stage(run, 0, rows_of(run, [ref("DOE^JANE")], {ref("ROE^RICHARD"): FINAL}))])
    text = (tmp_path / "_reports" / f"{run.run_id}.json").read_text()
    assert json.loads(text)["counts"]["failed"] == 1 and "DOE" not in text and "ROE" not in text


def test_the_newest_version_is_committed_to_however_often_others_have_committed(tmp_path: Path) -> None:
    run = run_on(tmp_path, day=9)
    chunks = [stage(run, 0, rows_of(run, [ref(str(number)) for number in range(4)]))]
    for day in range(3):
        other = run_on(tmp_path, day)
        commit(other, rows_of(other, [ref(str(day))]))
    record = end_run(run, totals(4), chunks)
    assert record.counts == Counts(listed=4, scored=1, skipped=3) and record.counts.add_up
    assert sorted(row["image_id"] for row in rows(tmp_path)) == ["0", "1", "2", "3"]
