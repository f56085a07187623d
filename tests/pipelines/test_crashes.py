"""A run may die at any step, lose the answers of a store, or fill the disk: nothing is lost, nothing is doubled."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import CommitFailedError

from jobs.cli import main
from melanoma import storage
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.runs.commit import end_run
from melanoma.runs.records import Counts
from melanoma.runs.stored_records import read_record
from melanoma.table import score_table
from melanoma.table.score_table import ScoreTable
from tests.helpers import faults, fill
from tests.helpers.faults import killed, plan_run, run_without_beam, stage
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import assert_one_row_each, committed, leftovers


def test_a_run_may_die_before_any_of_its_steps(tmp_path: Path, bundle_uri: str) -> None:
    seen, step, code = Counter[int](), 0, faults.DIED
    while code == faults.DIED:
        step += 1
        images, output = tmp_path / str(step) / "in", tmp_path / str(step) / "out"
        fill(images, 3)
        process = faults.start(faults.run_that_dies, step, images, output, bundle_uri)
        process.join(60)
        code = process.exitcode
        assert code in (0, faults.DIED)
        seen[committed(output)] += 1
        fill(images, 1, first=3)
        record = run_without_beam(images, output, bundle_uri, chunk_size=3)
        assert_one_row_each(output, 4, record)
        assert not leftovers(output, record)
    assert set(seen) == {0, 3} and min(seen.values()) >= 5


def test_a_run_may_die_before_any_of_its_requests_to_s3(tmp_path: Path, bundle_uri: str, bucket: str) -> None:
    images, requests, victim = tmp_path / "in", Counter[str](), [faults.start(print)]
    fill(images, 3)
    deadly = 0

    def before(method: str, path: str) -> bool:
        requests[method] += 1
        if requests.total() == deadly:
            victim[0].kill()
        return requests.total() >= deadly

    with faults.s3_server(before) as address:
        code = -9
        while code:
            deadly += 1
            requests.clear()
            output = f"{bucket}/{deadly}"
            victim[0] = faults.start(faults.run_at, faults.s3_environment(address), images, output, bundle_uri)
            victim[0].join(60)
            code = victim[0].exitcode
            assert code in (0, -9)
            assert committed(output) in (0, 3)
            record = run_without_beam(images, output, bundle_uri, chunk_size=3)
            assert_one_row_each(output, 3, record)
    assert deadly > 7


@pytest.mark.parametrize("error", [CommitFailedError("conflict"), OSError("reset"), TimeoutError("late")], ids=repr)
def test_a_commit_whose_answer_is_lost_is_a_success(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    write = score_table.commit_files

    def write_and_fail(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        raise error

    fill(tmp_path / "in", 3)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    with monkeypatch.context() as patched:
        patched.setattr(score_table, "commit_files", write_and_fail)
        assert ScoreTable.at(run.layout, None).append("of this call", run.schema, iter(())) == 1
        record = end_run(run, plan, chunks)
    assert record.outcome == "committed" and record.counts == Counts(listed=3, scored=3)
    assert_one_row_each(tmp_path / "out", 3)
    assert run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=3, skipped=3)


def test_a_commit_to_s3_whose_answer_is_lost_is_a_success(tmp_path: Path, bundle_uri: str, bucket: str) -> None:
    fill(tmp_path / "in", 3)
    lost = list[str]()

    def after(method: str, path: str) -> bool:
        is_commit = path.endswith(".json") and "_delta_log" in path and path not in lost
        lost.extend([path] if is_commit else [])
        return is_commit

    with faults.s3_server(after=after) as address:
        environment = faults.s3_environment(address)
        process = faults.start(faults.run_at, environment, tmp_path / "in", f"{bucket}/out", bundle_uri)
        process.join(60)
    assert process.exitcode == 0 and len(lost) == 2
    assert_one_row_each(f"{bucket}/out", 3)
    (found,) = storage.list_files(f"{bucket}/out/_reports")
    assert json.loads(storage.read_bytes(found.uri))["counts"]["scored"] == 3


def test_a_run_that_died_after_its_commit_gets_its_true_record_when_the_runner_retries(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 4)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 2, first=4)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"GIF89a")
    (tmp_path / "out" / "_reports").write_text("in the way")
    run = plan_run(tmp_path / "out", bundle_uri)
    end = (run, *stage(run, tmp_path / "in", bundle_uri))
    with pytest.raises(NothingCommittedError, match="the rows are committed as version 1, but the run's record is not"):
        end_run(*end)
    assert read_record(run) is None and committed(tmp_path / "out") == 7
    (tmp_path / "out" / "_reports").unlink()
    record = end_run(*end)
    assert record.counts == Counts(listed=7, scored=6, failed=1)
    assert (record.adopted, record.table_version) == (4, 1)
    assert record.failures == {"unsupported_format": 1} and sum(record.classes.values()) == 6
    again = end_run(*end)
    assert again == read_record(run)
    assert replace(again, stages={}) == replace(record, stages={})
    assert_one_row_each(tmp_path / "out", 7)


def test_a_disk_that_fills_up_at_any_page_costs_only_another_start(
    tmp_path: Path, bundle_uri: str, small_disk: Path
) -> None:
    fill(tmp_path / "in", 3)
    output, ballast, outcomes = small_disk / "out", small_disk / "ballast", Counter[int]()
    for pages in range(16):
        run = plan_run(output, bundle_uri)
        end = (run, *stage(run, tmp_path / "in", bundle_uri))
        free = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * (free.f_bavail - pages) * free.f_bsize)
        try:
            assert end_run(*end).outcome == "committed"
        except NothingCommittedError as error:
            assert "No space left on device" in str(error)
            assert committed(output) in (0, 3)
        outcomes[committed(output)] += 1
        ballast.unlink()
        record = run_without_beam(tmp_path / "in", output, bundle_uri)
        assert_one_row_each(output, 3, record)
        shutil.rmtree(output)
    assert outcomes[0] >= 3 and outcomes[3] >= 3


def test_a_disk_that_fills_up_during_scoring_ends_the_run_with_3(
    tmp_path: Path, bundle_uri: str, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 40)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(small_disk / "out")]
    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"x" * (free.f_bavail - 6) * free.f_bsize)
    assert main([*words, "--chunk-size", "10"]) == 3
    assert "No space left on device" in capfd.readouterr().err.strip().split("\n")[-1]
    assert committed(small_disk / "out") == 0
    (small_disk / "ballast").unlink()
    assert main(words) == 0
    assert_one_row_each(small_disk / "out", 40)


def test_a_disk_that_is_full_before_the_run_ends_it_with_3(tmp_path: Path, bundle_uri: str, small_disk: Path) -> None:
    fill(tmp_path / "in", 1)
    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"x" * free.f_bavail * free.f_bsize)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(small_disk / "out")]
    assert main(words) == 3


def test_a_commit_is_written_through_to_the_disk(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = set[str](), os.fsync

    def watch(handle: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    fill(tmp_path / "in", 1)
    output = tmp_path / "out"
    monkeypatch.setattr(os, "fsync", watch)
    run_without_beam(tmp_path / "in", output, bundle_uri)
    written = [path for path in output.rglob("*") if path.is_file()]
    needed = [path for path in written if path.parent.name not in ("_reports", "_private")]  # the record and the keys
    assert len(needed) == 3
    folders = {path.parent for path in needed} | {output, tmp_path}
    assert {str(path) for path in [*needed, *folders]} <= synced


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"PAR1")], ids=["gone", "cut"])
def test_a_damaged_table_stops_the_run_without_a_commit(
    tmp_path: Path, bundle_uri: str, change: Callable[[Path], object]
) -> None:
    fill(tmp_path / "in", 2)
    run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    change(next((tmp_path / "out").glob("model_id=*/*.parquet")))
    with pytest.raises(UsageError, match="a data file of the score table is"):
        run_without_beam(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert table_in(tmp_path / "out").version == 1


def test_a_disk_that_is_read_only_is_a_mistake(tmp_path: Path, bundle_uri: str, small_disk: Path) -> None:
    fill(tmp_path / "in", 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(small_disk / "out")]
    assert main(words) == 2
