"""Several machines score a share of the same roots each, at the same time: no row is lost, and none comes twice."""

from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.runs import heartbeats
from melanoma.runs.run_history import RunSummary, read_series
from melanoma.runs.stored_records import read_record
from melanoma.shards import Shard
from tests.helpers import faults, fill
from tests.helpers.faults import plan_run, stage
from tests.helpers.outputs import layout_of
from tests.helpers.pipeline_runs import assert_one_row_each, rows

LOCAL: dict[str, str] = {}
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.mark.parametrize(("shards", "exists"), [(2, True), (4, False), (4, True)])
def test_shards_that_commit_at_the_same_moment_commit_every_photograph_once(
    tmp_path: Path, bundle_uri: str, shards: int, exists: bool
) -> None:
    images, output = tmp_path / "in", tmp_path / "out"
    fill(images, 6)
    before = faults.run_without_beam(images, output, bundle_uri).counts.scored if exists else 0
    fill(images, 12, first=6)
    (images / "broken.jpg").write_bytes(b"GIF89a")
    runs = [plan_run(output, bundle_uri, Shard(number, shards)) for number in range(1, shards + 1)]
    faults.race([(run, *stage(run, images, bundle_uri)) for run in runs], LOCAL)
    counts = [record.counts for run in runs if (record := read_record(run)) is not None]
    assert len(counts) == shards and all(one.add_up and one.listed == 19 for one in counts)
    assert sum(one.scored + one.failed for one in counts) == 19 - before
    assert sum(one.other_shard for one in counts) == 19 * (shards - 1)
    assert_one_row_each(output, 19)


def test_a_shard_resumes_what_runs_of_it_and_of_all_photographs_have_staged(tmp_path: Path, bundle_uri: str) -> None:
    images, output = tmp_path / "in", tmp_path / "out"
    fill(images, 12)
    faults.killed(images, output, bundle_uri)
    ends = []
    for number in (1, 2, 3):
        run = plan_run(output, bundle_uri, Shard(number, 3))
        ends.append((run, *stage(run, images, bundle_uri)))
    assert sum(len(totals.adopted) for _, totals, _ in ends) == 12 and not any(chunks for _, _, chunks in ends)
    faults.race(ends, LOCAL)
    assert_one_row_each(output, 12)


def words(tmp_path: Path, bundle_uri: str, *more: str) -> list[str]:
    """Returns the command that scores `in`, and a part of it a second time, into `out`."""
    roots = ["--images", str(tmp_path / "in"), "--images", str(tmp_path / "in" / "part")]
    return ["score", *roots, "--bundle", bundle_uri, "--output", str(tmp_path / "out"), "--chunk-size", "3", *more]


def summaries(output: Path) -> dict[str, list[RunSummary]]:
    found = dict[str, list[RunSummary]]()
    for run in read_series(layout_of(output)):
        found.setdefault(run["shard"], []).append(run)
    return found


def test_two_machines_score_at_the_same_time_and_one_that_was_killed_is_started_again(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 30)
    fill(tmp_path / "in" / "part", 10, first=30)
    first, second = ([*words(tmp_path, bundle_uri), "--shard", shard] for shard in ("1/2", "2/2"))
    jobs = [
        faults.start(faults.job_at, ENVIRONMENT, tmp_path / "first", first),
        faults.start(faults.job_that_dies, 3, ENVIRONMENT, tmp_path / "second", second),
    ]
    for job in jobs:
        job.join(120)
    assert [job.exitcode for job in jobs] == [0, faults.DIED], (tmp_path / "first").read_text()
    assert main(second) == 0
    (one,), (killed, other) = (summaries(tmp_path / "out")[shard] for shard in ("1/2", "2/2"))
    assert (killed["outcome"], other["outcome"]) == ("killed", "committed") and other["warnings"] == 1
    assert one["counts"]["listed"] == other["counts"]["listed"] == 50
    assert one["counts"]["scored"] + other["counts"]["scored"] == 40
    assert one["counts"]["duplicates"] + other["counts"]["duplicates"] == 10
    assert other["counts"]["other_shard"] == 50 - other["counts"]["scored"] - other["counts"]["duplicates"]
    assert_one_row_each(tmp_path / "out", 40)
    assert not heartbeats.active(layout_of(tmp_path / "out"))


def test_a_shard_holds_only_what_must_not_run_beside_it(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in" / "part", 8)
    layout = layout_of(tmp_path / "out")
    with heartbeats.beating(layout, "20260101T000000Z-00000000", Shard(1, 2)):
        assert main(words(tmp_path, bundle_uri)) == 3
        assert main(words(tmp_path, bundle_uri, "--shard", "1/2")) == 3
        assert main(words(tmp_path, bundle_uri, "--shard", "2/3")) == 3
        assert "give all machines the same number of shards" in capsys.readouterr().err
        assert main(words(tmp_path, bundle_uri, "--shard", "2/2")) == 0
        assert main(["table", "compact", str(tmp_path / "out")]) == 3
    scored = len(rows(tmp_path / "out"))
    assert 0 < scored < 8
    assert main(words(tmp_path, bundle_uri)) == 0
    assert_one_row_each(tmp_path / "out", 8)


def test_limit_rescore_and_dry_run_keep_to_the_shard(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 20)
    (tmp_path / "in" / "part").mkdir()
    output, mine = tmp_path / "out", words(tmp_path, bundle_uri, "--shard", "2/2", "--allow-empty")
    assert main([*mine, "--limit", "2"]) == 0
    (limited,) = (run["counts"] for run in summaries(output)["2/2"])
    assert limited["scored"] == 2 and limited["deferred"] + 2 + limited["other_shard"] == 20
    first = {row["image_uri"] for row in rows(output)}
    assert main([*mine, "--rescore", "--limit", str(2 + limited["deferred"])]) == 0
    scored = {row["image_uri"] for row in rows(output)}
    assert len(rows(output)) == 2 + len(scored) == 4 + limited["deferred"] and first < scored
    capsys.readouterr()
    assert main([*words(tmp_path, bundle_uri, "--shard", "1/2", "--allow-empty"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"Would score {20 - len(scored)} of 20 listed" in told and f"{len(scored)} of other shards" in told
    assert 'shard = "1/2"' in told
