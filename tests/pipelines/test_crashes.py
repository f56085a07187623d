"""Crashes, races, full disks and damaged files: a reader sees nothing or whole runs, and no photograph twice."""

import dataclasses
import datetime
import io
import json
import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from deltalake.exceptions import CommitFailedError
from fsspec.implementations.local import LocalFileSystem
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jobs.cli import main
from melanoma import scores, staging, storage
from melanoma.bundle import load_bundle
from melanoma.commits import Plan, end_run
from melanoma.errors import NothingCommittedError
from melanoma.inputs import Manifest, Root, digest_of, list_images
from melanoma.ledger import State, load_ledger
from melanoma.runs import Counts, Run, RunRecord, read_record
from melanoma.staging import StagedChunk
from tests.helpers import fill, photograph
from tests.pipelines import faults
from tests.pipelines.faults import night, plan_run, stage
from tests.pipelines.nights import rows

LOCAL: dict[str, str] = {}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is down is down: nothing here is worth a second try."""
    monkeypatch.setattr(storage, "_TRIES", 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def committed(output: Path | str) -> int:
    """Rows that a reader sees."""
    return 0 if scores.table_version(str(output)) is None else scores.dataset(str(output)).count_rows()


def assert_one_row_each(output: Path | str, photographs: int, record: RunRecord | None = None) -> None:
    found = [(row["image_uri"], row["image_version"]) for row in rows(output, "image_uri", "image_version")]
    assert len(found) == len(set(found)) == photographs
    assert record is None or (record.counts.add_up and record.counts.listed == photographs)


def leftovers(output: Path | str, run: Run | RunRecord) -> list[str]:
    return [path.name for path in (Path(output) / "_staging").rglob("*") if run.run_id in str(path)]


# Crash points


def test_a_night_may_die_before_any_of_its_steps(tmp_path: Path, bundle_uri: str) -> None:
    seen, step, code = Counter[int](), 0, faults.DIED
    while code == faults.DIED:
        step += 1
        images, output = tmp_path / str(step) / "in", tmp_path / str(step) / "out"
        fill(images, 3)
        process = faults.start(faults.night_that_dies, step, images, output, bundle_uri)
        process.join(60)
        code = process.exitcode
        assert code in (0, faults.DIED)
        seen[committed(output)] += 1
        fill(images, 1, first=3)
        record = night(images, output, bundle_uri, chunk_size=3)
        assert_one_row_each(output, 4, record)
        assert not leftovers(output, record)
    assert set(seen) == {0, 3} and min(seen.values()) >= 5


def test_a_night_may_die_before_any_of_its_requests_to_s3(tmp_path: Path, bundle_uri: str, bucket: str) -> None:
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
            victim[0] = faults.start(faults.night_at, faults.s3_environment(address), images, output, bundle_uri)
            victim[0].join(60)
            code = victim[0].exitcode
            assert code in (0, -9)
            assert committed(output) in (0, 3)
            record = night(images, output, bundle_uri, chunk_size=3)
            assert_one_row_each(output, 3, record)
    assert deadly > 7


# What a killed run left staged


def killed(images: Path, output: Path, bundle_uri: str, chunk_size: int = 2) -> tuple[Run, list[Path]]:
    """Stages a run that never commits."""
    run = plan_run(output, bundle_uri)
    stage(run, images, bundle_uri, chunk_size)
    return run, sorted((output / "_staging").rglob("*.arrow"))


def test_staged_rows_are_adopted_by_photograph_whatever_chunk_they_lay_in(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 7)
    for size in (3, 5):
        killed(tmp_path / "in", tmp_path / "out", bundle_uri, size)
    fill(tmp_path / "in", 2, first=7)
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri, chunk_size=4)
    assert_one_row_each(tmp_path / "out", 9, record)
    assert (record.adopted, record.counts.scored) == (7, 9)
    assert {row["run_id"] for row in rows(tmp_path / "out")} == {record.run_id}


def damage(kind: str, data: bytes) -> bytes:
    middle = len(data) // 2
    return {
        "empty": b"",
        "truncated": data[:-100],
        "without its end": data[:-32],
        "a flipped bit in a value": data[: middle + 700] + bytes([data[middle + 700] ^ 1]) + data[middle + 701 :],
        "a flipped bit in the header": data[:40] + bytes([data[40] ^ 64]) + data[41:],
        "foreign": b"PAR1" + 200 * b"x",
        "twice": data + data,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated",
        "without its end",
        "a flipped bit in a value",
        "a flipped bit in the header",
        "foreign",
        "twice",
    ],
)
def test_a_damaged_staged_file_is_never_adopted(tmp_path: Path, bundle_uri: str, kind: str) -> None:
    fill(tmp_path / "in", 4)
    _, files = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    files[0].write_bytes(damage(kind, files[0].read_bytes()))
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 4, record)
    assert record.adopted == 2


def test_no_flipped_bit_of_a_staged_file_is_adopted(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run, (file,) = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    data = file.read_bytes()
    for place in range(0, len(data), 5):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        assert staging.read_chunk(str(file), run.schema) is None
    file.write_bytes(data)
    assert staging.read_chunk(str(file), run.schema).num_rows == 2


def test_a_staged_file_with_other_columns_is_never_adopted(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run, (file,) = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    staging.write_chunk(run, 0, staging.read_chunk(str(file), run.schema).drop_columns(["ood_score"]))
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.scored) == (0, 2)


def test_rows_of_another_model_are_never_adopted_even_from_a_file_in_the_wrong_place(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 2)
    run = plan_run(tmp_path / "out", bundle_uri)
    stage(dataclasses.replace(run, model_id="m-000000000000"), tmp_path / "in", bundle_uri)
    assert len(staging.staged_files(run)) == 1
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.scored) == (0, 2)
    assert {row["model_id"] for row in rows(tmp_path / "out")} == {run.model_id}


def test_another_model_finds_nothing_to_adopt(tmp_path: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    killed(tmp_path / "in", tmp_path / "out", other_bundle_uri)
    assert night(tmp_path / "in", tmp_path / "out", bundle_uri).adopted == 0


def test_failures_that_may_heal_are_never_adopted_and_others_are(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"GIF89a")
    (tmp_path / "in" / "late.jpg").write_bytes(photograph(8))
    for root in (f"failing://{tmp_path / 'in'}", str(tmp_path / "in")):
        stage(plan_run(tmp_path / "out", bundle_uri), root, bundle_uri)
    known = load_ledger(plan_run(tmp_path / "out", bundle_uri))
    assert {known.state(ref) for ref in list_images(Root(str(tmp_path / "in")))} == {State.STAGED}
    assert {known.state(ref) for ref in list_images(Root(f"failing://{tmp_path / 'in'}"))} == {State.NEW}
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.adopted, record.counts.failed) == (3, 1)


class ShyFileSystem(LocalFileSystem):  # type: ignore[misc]
    """A store that tells nothing about its files but gives them: shy://path."""

    protocol = "shy"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix("shy://")

    def info(self, path: str, **options: object) -> dict[str, Any]:
        raise OSError(5, "Input/output error")


def test_a_photograph_that_could_not_be_looked_up_is_not_scored_under_no_version(
    tmp_path: Path, bundle_uri: str
) -> None:
    fsspec.register_implementation("shy", ShyFileSystem, clobber=True)
    (path,) = fill(tmp_path / "in", 1)
    (tmp_path / "manifest.csv").write_text(f"uri\nshy://{path}\n")
    run = plan_run(tmp_path / "out", bundle_uri)
    stage(run, Manifest(str(tmp_path / "manifest.csv")), bundle_uri)
    staged = staging.read_chunk(staging.staged_files(run)[0], run.schema)
    assert staged is not None and staged["status"].to_pylist() == ["failed"]


def test_staged_rows_of_vanished_photographs_are_not_committed(tmp_path: Path, bundle_uri: str) -> None:
    first, *_ = fill(tmp_path / "in", 3)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    first.unlink()
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 2, record)
    assert record.adopted == 2


def test_a_photograph_overwritten_after_it_was_staged_is_scored_anew(tmp_path: Path, bundle_uri: str) -> None:
    first, *_ = fill(tmp_path / "in", 3)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    before = digest_of(*next((ref.uri, ref.version) for ref in list_images(Root(str(first)))))
    first.write_bytes(photograph(77, height=50))
    record = night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 3, record)
    assert record.adopted == 2
    row = rows(tmp_path / "out")[0]
    assert row["height"] == 50 and digest_of(row["image_uri"], row["image_version"]) != before


def test_a_staged_file_that_vanishes_between_plan_and_commit_forbids_the_commit(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 4)
    _, files = killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    files[0].unlink()
    with pytest.raises(NothingCommittedError, match="4 rows were staged, 2 are still there"):
        end_run(run, plan, chunks)
    assert committed(tmp_path / "out") == 0
    assert_one_row_each(tmp_path / "out", 4, night(tmp_path / "in", tmp_path / "out", bundle_uri))


def test_a_photograph_that_one_worker_scored_and_another_adopted_has_one_row(tmp_path: Path, bundle_uri: str) -> None:
    """It was listed twice, and its staged row was found between the two look-ups."""
    (path,) = fill(tmp_path / "in", 1)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    killed(tmp_path / "in", tmp_path / "out", bundle_uri)
    (ref,) = list_images(Root(str(path)))
    plan = dataclasses.replace(plan, listed=2, adopted=[digest_of(ref.uri, ref.version)])
    record = end_run(run, plan, chunks)
    assert record.counts == Counts(listed=2, scored=1, duplicates=1)
    assert committed(tmp_path / "out") == 1


def test_a_digest_that_ends_in_a_zero_byte_is_found_again(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    (first,) = list_images(Root(str(tmp_path / "in")))
    names = (f"{index}.jpg" for index in range(100000))
    uris = (f"file://{tmp_path}/in/{name}" for name in names)
    version = first.version
    uri = next(uri for uri in uris if digest_of(uri, version).endswith(b"\0"))
    (tmp_path / "in" / "lesion-0000.jpg").rename(uri.removeprefix("file://"))
    assert night(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=1, scored=1)
    assert night(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=1, skipped=1)


def test_staging_of_others_is_kept_for_a_week_and_goes_after_a_commit_only(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run = plan_run(tmp_path / "out", bundle_uri)
    young, old = others = [dataclasses.replace(run, run_id=run_id_of(hours)) for hours in (7 * 24 - 1, 7 * 24 + 1)]
    for other in others:
        staging.announce(other, 2)
        staging.write_chunk(other, 0, staging.RowBuilder(other, load_bundle(bundle_uri)).table())
    foreign = Path(storage.local_path(run.staging) or "").with_name("0 notes of the night shift")
    foreign.mkdir()
    (foreign / "mine.arrow").write_bytes(b"x")
    with pytest.raises(NothingCommittedError):
        end_run(run, Plan(listed=5, skipped=0, deferred=0, adopted=[], ignored=Counter()), [])
    assert len(leftovers(tmp_path / "out", old)) == 3
    night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert not leftovers(tmp_path / "out", old)
    assert len(leftovers(tmp_path / "out", young)) == 3
    assert (foreign / "mine.arrow").exists()


def run_id_of(hours_ago: int) -> str:
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours_ago)
    return f"{then:%Y%m%dT%H%M%SZ}-0123abcd"


# Races


End = tuple[Run, Plan, list[StagedChunk]]


def prepared(count: int, images: Path, output: Path | str, bundle_uri: str) -> list[End]:
    """Runs that have scored the same photographs, none knowing of another."""
    runs = [plan_run(output, bundle_uri) for _ in range(count)]
    ledgers = [load_ledger(run) for run in runs]
    return [(run, *stage(run, images, bundle_uri, known=known)) for run, known in zip(runs, ledgers, strict=True)]


def assert_race_was_fair(output: Path | str, runs: list[Run], photographs: int, before: int) -> None:
    records = [read_record(run) for run in runs]
    assert all(record and record.counts.add_up for record in records)
    assert sum(record.counts.scored + record.counts.failed for record in records if record) == photographs - before
    assert_one_row_each(output, photographs)
    log = "".join(storage.read_bytes(file.uri).decode() for file in storage.list_files(f"{output}/_delta_log"))
    assert all(log.count(f'"run_id":"{run.run_id}"') == 1 for run in runs)


@pytest.mark.parametrize("exists", [False, True], ids=["no table yet", "a table"])
def test_runs_of_several_processes_commit_every_photograph_once(tmp_path: Path, bundle_uri: str, exists: bool) -> None:
    for attempt in range(3):
        images, output = tmp_path / str(attempt) / "in", tmp_path / str(attempt) / "out"
        fill(images, 2)
        (images / "broken.jpg").write_bytes(b"GIF89a")
        before = night(images, output, bundle_uri).counts.listed if exists else 0
        fill(images, 3, first=2)
        ends = prepared(4, images, output, bundle_uri)
        faults.race(ends, LOCAL)
        assert_race_was_fair(output, [run for run, *_ in ends], 6, before)


@pytest.mark.parametrize("exists", [False, True], ids=["no table yet", "a table"])
def test_runs_of_several_processes_commit_every_photograph_once_in_s3(
    tmp_path: Path, bundle_uri: str, bucket: str, exists: bool
) -> None:
    fill(tmp_path / "in", 2)
    before = night(tmp_path / "in", f"{bucket}/out", bundle_uri).counts.listed if exists else 0
    fill(tmp_path / "in", 3, first=2)
    ends = prepared(3, tmp_path / "in", f"{bucket}/out", bundle_uri)
    faults.race(ends, faults.s3_environment())
    assert_race_was_fair(f"{bucket}/out", [run for run, *_ in ends], 5, before)


def test_a_table_that_another_model_makes_meanwhile_keeps_its_columns(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str, bucket: str
) -> None:
    images, output, others = tmp_path / "in", f"{bucket}/out", list[int | None]()
    fill(images, 3)

    def before(method: str, path: str) -> bool:
        if "_delta_log" in path and not others:
            other = faults.start(faults.night_at, faults.s3_environment(), images, output, bundle_uri)
            other.join(60)
            others.append(other.exitcode)
        return False

    with faults.s3_server(before) as address:
        late = faults.start(faults.night_at, faults.s3_environment(address), images, output, other_bundle_uri)
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
        assert_race_was_fair(output, [end[0]], 3, 0)


def test_runs_that_adopt_from_each_other_while_they_commit(tmp_path: Path, bundle_uri: str) -> None:
    for attempt in range(3):
        images, output = tmp_path / str(attempt) / "in", tmp_path / str(attempt) / "out"
        ends: list[End] = []
        for number in range(3):
            fill(images, 2, first=2 * number)
            run = plan_run(output, bundle_uri)
            ends.append((run, *stage(run, images, bundle_uri)))
        assert [len(plan.adopted) for _, plan, _ in ends] == [0, 2, 4]
        faults.race(ends, LOCAL)
        assert_race_was_fair(output, [run for run, *_ in ends], 6, 0)


def test_a_compaction_between_plan_and_commit_costs_nothing(tmp_path: Path, bundle_uri: str) -> None:
    for first in (0, 2):
        fill(tmp_path / "in", 2, first=first)
        night(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 2, first=4)
    (end,) = prepared(1, tmp_path / "in", tmp_path / "out", bundle_uri)
    scores.compact(str(tmp_path / "out"))
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
        night(tmp_path / "in", tmp_path / "out", bundle_uri, chunk_size=3)
    ended.set()
    reader.join()
    assert seen == sorted(seen)
    assert set(seen) <= set(range(0, 41, 4)) and len(set(seen)) > 5


# Lost answers and second calls


@pytest.mark.parametrize("error", [CommitFailedError("conflict"), OSError("reset"), TimeoutError("late")], ids=repr)
def test_a_commit_whose_answer_is_lost_is_a_success(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    write = scores.write_deltalake

    def write_and_fail(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        raise error

    fill(tmp_path / "in", 3)
    run = plan_run(tmp_path / "out", bundle_uri)
    plan, chunks = stage(run, tmp_path / "in", bundle_uri)
    with monkeypatch.context() as patched:
        patched.setattr(scores, "write_deltalake", write_and_fail)
        assert scores.append(run.output, None, "of this call", run.schema, iter(())) == 1
        record = end_run(run, plan, chunks)
    assert record.outcome == "committed" and record.counts == Counts(listed=3, scored=3)
    assert_one_row_each(tmp_path / "out", 3)
    assert night(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=3, skipped=3)


def test_a_commit_to_s3_whose_answer_is_lost_is_a_success(tmp_path: Path, bundle_uri: str, bucket: str) -> None:
    fill(tmp_path / "in", 3)
    lost = list[str]()

    def after(method: str, path: str) -> bool:
        is_commit = path.endswith(".json") and "_delta_log" in path and path not in lost
        lost.extend([path] if is_commit else [])
        return is_commit

    with faults.s3_server(after=after) as address:
        environment = faults.s3_environment(address)
        process = faults.start(faults.night_at, environment, tmp_path / "in", f"{bucket}/out", bundle_uri)
        process.join(60)
    assert process.exitcode == 0 and len(lost) == 2
    assert_one_row_each(f"{bucket}/out", 3)
    (found,) = storage.list_files(f"{bucket}/out/_reports")
    assert json.loads(storage.read_bytes(found.uri))["counts"]["scored"] == 3


def test_a_run_that_died_after_its_commit_is_recorded_as_it_was_when_the_runner_tries_again(
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
    assert end_run(*end) == record == read_record(run)
    assert_one_row_each(tmp_path / "out", 7)


# Disks


def test_a_disk_that_is_full_at_any_page_costs_nothing_but_another_start(
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
        record = night(tmp_path / "in", output, bundle_uri)
        assert_one_row_each(output, 3, record)
        shutil.rmtree(output)
    assert outcomes[0] >= 3 and outcomes[3] >= 3


def test_a_disk_that_fills_up_while_a_night_scores_ends_it_with_3(
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


def test_a_disk_that_is_full_before_the_night_ends_it_with_3(tmp_path: Path, bundle_uri: str, small_disk: Path) -> None:
    fill(tmp_path / "in", 1)
    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"x" * free.f_bavail * free.f_bsize)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(small_disk / "out")]
    assert main(words) == 3


def test_a_commit_is_on_the_disk_when_a_run_says_so(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = set[str](), os.fsync

    def watch(handle: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{handle}"))
        sync(handle)

    fill(tmp_path / "in", 1)
    output = tmp_path / "out"
    monkeypatch.setattr(os, "fsync", watch)
    night(tmp_path / "in", output, bundle_uri)
    needed = [path for path in output.rglob("*") if path.is_file() and path.parent.name != "_reports"]
    assert len(needed) == 3
    folders = {path.parent for path in needed} | {output, tmp_path}
    assert {str(path) for path in [*needed, *folders]} <= synced


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"PAR1")], ids=["gone", "cut"])
def test_a_damaged_table_stops_the_night_without_a_traceback_or_a_commit(
    tmp_path: Path, bundle_uri: str, change: Callable[[Path], object]
) -> None:
    fill(tmp_path / "in", 2)
    night(tmp_path / "in", tmp_path / "out", bundle_uri)
    change(next((tmp_path / "out").glob("model_id=*/*.parquet")))
    with pytest.raises(NothingCommittedError, match="the score table cannot be read"):
        night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert scores.table_version(str(tmp_path / "out")) == 1


# The job's own word


def test_every_ended_run_leaves_a_record_and_the_exit_code_fits(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    words = ["--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    failing = ["score", "--images", f"failing://{tmp_path / 'in'}", *words]
    assert [main(failing), main(["score", "--images", str(tmp_path / "in"), *words])] == [3, 0]
    assert main(["score", "--images", str(tmp_path / "in"), *words]) == 0
    outcomes = [json.loads(path.read_text())["outcome"] for path in (tmp_path / "out" / "_reports").iterdir()]
    assert sorted(outcomes) == ["committed", "nothing_new", "store_down"]
    assert capsys.readouterr().out.count("Run 2") == 6


def test_a_record_that_cannot_be_written_is_told_as_that_and_a_second_start_is_fine(
    tmp_path: Path, bundle_uri: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_reports").write_text("in the way")
    assert main(words) == 3
    said = capfd.readouterr().err
    assert "the rows are committed as version 1, but the run's record is not" in said
    assert "while running" not in said.splitlines()[-1]
    (tmp_path / "out" / "_reports").unlink()
    assert main(words) == 0
    assert_one_row_each(tmp_path / "out", 2)


def test_a_store_that_takes_nothing_is_told_without_a_secret(tmp_path: Path, bundle_uri: str, bucket: str) -> None:
    fill(tmp_path / "in", 1)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", f"{bucket}/out"]
    with faults.s3_server(before=lambda method, path: True) as address:
        environment = faults.s3_environment(address) | {"AWS_SECRET_ACCESS_KEY": "CANARY-SECRET"}
        job = faults.start(faults.job_at, environment, tmp_path / "log", words)
        job.join(60)
    said = (tmp_path / "log").read_text()
    assert job.exitcode == 3 and "cannot be written" in said and "CANARY" not in said


def test_neither_metadata_nor_secrets_nor_names_are_where_they_do_not_belong(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-SECRET")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sig=CANARY-SECRET")
    store, output = tmp_path / "in", tmp_path / "out"
    store.mkdir()
    files = {"scored.jpg": marked("JPEG"), "broken.jpg": marked("JPEG")[:-40], "scored.png": marked("PNG")}
    for name, data in files.items():
        assert b"DOE^JANE" in data
        (store / f"JANE-DOE-{name}").write_bytes(data)
    caplog.set_level("DEBUG")
    words = ["--images", str(store), "--bundle", bundle_uri, "--output", str(output)]
    assert main(["score", *words]) == 0
    killed(store, tmp_path / "staged", bundle_uri)
    (store / "JANE-DOE-late.jpg").write_bytes(photograph(9))
    assert main(["score", *words]) == 0
    scores.compact(str(output))
    said = capfd.readouterr()
    texts = [said.out, said.err, caplog.text, str(rows(output)), *(str(path) for path in output.rglob("*"))]
    staged = [path.read_bytes() for path in (tmp_path / "staged").rglob("*.arrow")]
    everything = [
        *map(str.encode, texts),
        *staged,
        *(path.read_bytes() for path in output.rglob("*") if path.is_file()),
    ]
    assert len(staged) == 2 and {row["status"] for row in rows(output)} == {"scored", "failed"}
    assert not [data for data in everything if b"DOE^JANE" in data or b"CANARY" in data]
    nameless = [said.out, *(path.read_text() for path in output.rglob("*.json"))]
    assert len(nameless) == 7 and not [text for text in nameless if "JANE" in text]


def marked(format: str) -> bytes:
    """A photograph whose metadata bear a patient's name."""
    drawn = Image.open(io.BytesIO(photograph(3)))
    exif, text = Image.Exif(), PngInfo()
    exif[0x010E] = exif[0x9286] = "DOE^JANE"
    text.add_text("Patient", "DOE^JANE")
    sink = io.BytesIO()
    drawn.save(sink, format, exif=exif, pnginfo=text, comment=b"DOE^JANE")
    return sink.getvalue()


def test_a_manifest_on_a_store_that_is_down_is_no_mistake(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_TRIES", 1)
    (tmp_path / "manifest.csv").write_text("uri\n")
    words = ["--manifest", f"failing://{tmp_path / 'manifest.csv'}", "--bundle", bundle_uri]
    assert main(["score", *words, "--output", str(tmp_path / "out")]) == 3


def test_a_disk_that_is_read_only_is_a_mistake(tmp_path: Path, bundle_uri: str, small_disk: Path) -> None:
    fill(tmp_path / "in", 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(small_disk / "out")]
    assert main(words) == 2


def test_a_night_that_ends_early_leaves_its_record(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    run = plan_run(tmp_path / "out", bundle_uri)
    in_the_way = tmp_path / "out" / "_staging" / run.fingerprint
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder should be")
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *words]) == 3
    (record,) = (tmp_path / "out" / "_reports").iterdir()
    assert json.loads(record.read_text())["outcome"] == "stopped"


def test_what_delta_lake_says_of_a_failed_commit_is_not_passed_on(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError("https://store/x?X-Amz-Signature=CANARY")

    fill(tmp_path / "in", 1)
    monkeypatch.setattr(scores, "write_deltalake", refuse)
    with pytest.raises(NothingCommittedError) as caught:
        night(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert "CANARY" not in str(caught.value)
