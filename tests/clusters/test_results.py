"""A cluster's table is the local runner's, bit for bit; deadlines and our own errors are the same there, too."""

import datetime
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from melanoma import storage
from melanoma.runs.run import started_at
from tests.clusters.launched import PHOTOGRAPHS, Ended, Launch, paused, remains, scores, wait_until, workers
from tests.helpers import fill, photograph
from tests.helpers.fault_proxy import fault_proxy
from tests.helpers.s3_process import s3_process, s3_variables
from tools.clusters.cluster import Cluster

# Time enough to list, also on a busy machine; the workers pause until it is over.
_DEADLINE = datetime.timedelta(seconds=45)
_ROUNDED = datetime.timedelta(seconds=2)  # the id of a run says in which second it began


@pytest.mark.essential
def test_the_documented_line_makes_the_rows_of_the_local_runner_for_two_models(
    cluster: Cluster,
    launch: Callable[..., Launch],
    photographs: Path,
    bundle_uri: str,
    other_bundle_uri: str,
    tmp_path: Path,
    local_scores: list[dict[str, Any]],
) -> None:
    words = ["--images", str(photographs), "--output", str(tmp_path / "out"), "--chunk-size=5"]
    words += ["--bundle", bundle_uri, "--bundle", other_bundle_uri]
    ended = launch(*words, beam=cluster.line()).wait()
    assert ended.code == 0, ended.text
    assert scores(tmp_path / "out") == local_scores
    assert len(local_scores) == 2 * len(list(photographs.iterdir()))
    assert remains(tmp_path / "out") == []


def test_a_deadline_leaves_the_rest_to_the_next_start(
    cluster: Cluster, launch: Callable[..., Launch], photographs: Path, bundle_uri: str, tmp_path: Path
) -> None:
    words = ["--images", str(photographs), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    run = launch(*words, "--chunk-size=5", "--max-time", f"{_DEADLINE.seconds}s")
    with paused(cluster, tmp_path / "out"):
        (run_id,) = {path.parent.name for path in (tmp_path / "out" / "_staging").rglob("*.arrow")}
        over = started_at(run_id) + _DEADLINE + _ROUNDED
        wait_until("the deadline", lambda: datetime.datetime.now(datetime.UTC) > over)
    ended = run.wait()
    assert ended.code == 0, ended.text
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "out" / "_reports").glob("2*.json"))
    counts = record["counts"]
    assert counts["deferred"] > 0 and counts["scored"] > 0
    assert counts["deferred"] + counts["scored"] + counts["failed"] == counts["listed"] == PHOTOGRAPHS
    assert remains(tmp_path / "out") == []


@pytest.mark.parametrize("options", [["--no_such_option=1"], ["--runner=NoSuchRunner"], ["--parallelism=many"]])
def test_wrong_options_for_beam_are_the_users_mistake(
    cluster: Cluster,
    launch: Callable[..., Launch],
    photographs: Path,
    bundle_uri: str,
    tmp_path: Path,
    options: list[str],
) -> None:
    words = ["--images", str(photographs), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    ended = launch(*words, beam=[*cluster.beam_options(), *options]).wait()
    assert ended.code == 2 and options[0].split("=")[0] in ended.text, ended.text


def test_a_store_that_has_moved_is_refused(launch: Callable[..., Launch], bundle_uri: str, tmp_path: Path) -> None:
    paths = fill(tmp_path / "in", 25)
    words = ["--images", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    assert main(["score", *words, "--quiet"]) == 0
    for path in paths:
        os.utime(path, (0, 0))
    ended = launch(*words).wait()
    assert ended.code == 2 and "--rescore" in ended.text, ended.text
    assert len(scores(tmp_path / "out")) == 25


def test_a_bundle_that_changes_while_a_run_begins_is_refused(
    cluster: Cluster, launch: Callable[..., Launch], bundle_uri: str, tmp_path: Path
) -> None:
    fill(tmp_path / "in", 12)
    bundle = Path(shutil.copytree(bundle_uri, tmp_path / "bundle"))
    run = launch("--images", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--bundle", str(bundle))
    wait_until("a worker of this run", lambda: workers(cluster))
    with (bundle / "card.md").open("a") as card:
        card.write("Another text.\n")
    ended = run.wait()
    assert ended.code == 2 and "bundle" in ended.text, ended.text


def test_a_store_that_delivers_nothing_ends_the_run_without_a_commit(
    cluster: Cluster, launch: Callable[..., Launch], bundle_uri: str, tmp_path: Path
) -> None:
    with s3_process() as endpoint, fault_proxy(endpoint) as proxy, s3_variables(proxy.address):
        ended = _score_from_a_silent_store(cluster, launch, bundle_uri, tmp_path, proxy)
    assert ended.code == 3 and "nothing was committed" in ended.text, ended.text


def _score_from_a_silent_store(
    cluster: Cluster, launch: Callable[..., Launch], bundle_uri: str, tmp_path: Path, proxy: Any
) -> Ended:
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).mkdir("archive")
    for seed in range(12):
        storage.write_bytes(f"s3://archive/in/{seed}.jpg", photograph(seed))
    proxy.match, proxy.fault = r"^GET /archive/in/", "error"
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION")
    beam = cluster.beam_options({name: os.environ[name] for name in names})
    words = ["--images", "s3://archive/in", "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    return launch(*words, "--object-timeout", "2s", beam=beam).wait()
