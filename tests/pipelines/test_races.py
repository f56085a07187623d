"""Runs that race for one table: every photograph once, whole versions only."""

import dataclasses
import threading
from pathlib import Path

import pytest

from melanoma.runs.commit import end_run
from melanoma.runs.records import Counts
from melanoma.runs.stored_records import read_record
from tests.helpers import faults, fill
from tests.helpers.faults import plan_run, run_without_beam, stage
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows
from tests.helpers.races import End, assert_each_photograph_once, prepared

LOCAL: dict[str, str] = {}


@pytest.mark.parametrize("exists", [False, True], ids=["no table yet", "a table"])
def test_runs_of_several_processes_commit_every_photograph_once(tmp_path: Path, bundle_uri: str, exists: bool) -> None:
    for attempt in range(3):
        images, output = tmp_path / str(attempt) / "in", tmp_path / str(attempt) / "out"
        fill(images, 2)
        (images / "broken.jpg").write_bytes(b"GIF89a")
        before = run_without_beam(images, output, bundle_uri).counts.listed if exists else 0
        fill(images, 3, first=2)
        ends = prepared(4, images, output, bundle_uri)
        faults.race(ends, LOCAL)
        assert_each_photograph_once(output, [run for run, *_ in ends], 6, before)


@pytest.mark.parametrize("exists", [False, True], ids=["no table yet", "a table"])
def test_runs_of_several_processes_commit_every_photograph_once_in_s3(
    tmp_path: Path, bundle_uri: str, bucket: str, exists: bool
) -> None:
    fill(tmp_path / "in", 2)
    before = run_without_beam(tmp_path / "in", f"{bucket}/out", bundle_uri).counts.listed if exists else 0
    fill(tmp_path / "in", 3, first=2)
    ends = prepared(3, tmp_path / "in", f"{bucket}/out", bundle_uri)
    faults.race(ends, faults.s3_environment())
    assert_each_photograph_once(f"{bucket}/out", [run for run, *_ in ends], 5, before)


def test_a_table_that_another_model_creates_meanwhile_keeps_its_columns(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, bucket: str
) -> None:
    images, output, others = tmp_path / "in", f"{bucket}/out", list[int | None]()
    fill(images, 3)

    def before(method: str, path: str) -> bool:
        if "_delta_log" in path and not others:
            other = faults.start(faults.run_at, faults.s3_environment(), images, output, bundle_uri)
            other.join(60)
            others.append(other.exitcode)
        return False

    with faults.s3_server(before) as address:
        late = faults.start(faults.run_at, faults.s3_environment(address), images, output, other_bundle_uri)
        late.join(60)
    assert [late.exitcode, *others] == [0, 0]
    found = [(row["p_basal_cell_carcinoma"], row["p_squamous_cell_carcinoma"]) for row in rows(output)]
    assert sorted(sum(value is None for value in column) for column in zip(*found, strict=True)) == [3, 3]


def test_one_run_that_a_runner_ends_twice_at_once_commits_once(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    for attempt in range(3):
        output = tmp_path / f"out-{attempt}"
        (end,) = prepared(1, tmp_path / "in", output, bundle_uri)
        faults.race([end, end], LOCAL)
        record = read_record(end[0])
        assert record and record.counts == Counts(listed=3, scored=3)
        assert_each_photograph_once(output, [end[0]], 3, 0)


def test_runs_resume_each_others_rows_while_they_commit(tmp_path: Path, bundle_uri: str) -> None:
    for attempt in range(3):
        images, output = tmp_path / str(attempt) / "in", tmp_path / str(attempt) / "out"
        ends: list[End] = []
        for number in range(3):
            fill(images, 2, first=2 * number)
            run = plan_run(output, bundle_uri)
            ends.append((run, *stage(run, images, bundle_uri)))
        assert [len(plan.adopted) for _, plan, _ in ends] == [0, 2, 4]
        faults.race(ends, LOCAL)
        assert_each_photograph_once(output, [run for run, *_ in ends], 6, 0)


def test_a_compaction_between_plan_and_commit_costs_nothing(tmp_path: Path, bundle_uri: str) -> None:
    for first in (0, 2):
        fill(tmp_path / "in", 2, first=first)
        run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 2, first=4)
    (end,) = prepared(1, tmp_path / "in", tmp_path / "out", bundle_uri)
    table_in(tmp_path / "out").compact()
    record = end_run(*end)
    assert record.counts == Counts(listed=6, scored=2, skipped=4)
    assert_one_row_each(tmp_path / "out", 6)


def test_a_photograph_that_two_runs_failed_to_read_has_two_attempts(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    sources = f"failing://{tmp_path / 'in'}"
    (tmp_path / "in" / "late.jpg").write_bytes(b"")
    ends = []
    for _ in range(2):
        run = plan_run(tmp_path / "out", bundle_uri)
        plan, chunks = stage(run, sources, bundle_uri)
        ends.append((run, plan, [dataclasses.replace(chunk, store_failures=0) for chunk in chunks]))
    for end in ends:
        assert end_run(*end).counts == Counts(listed=2, failed=2)
    found = [(row["image_uri"], row["attempt"]) for row in rows(tmp_path / "out")]
    assert len(found) == len(set(found)) == 4


def test_a_reader_sees_whole_versions_only(tmp_path: Path, bundle_uri: str) -> None:
    seen, ended = list[int](), threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(committed(tmp_path / "out"))

    reader = threading.Thread(target=read)
    reader.start()
    for first in range(0, 40, 4):
        fill(tmp_path / "in", 4, first=first)
        run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri, chunk_size=3)
    ended.set()
    reader.join()
    assert seen == sorted(seen)
    assert set(seen) <= set(range(0, 41, 4)) and len(set(seen)) > 5
