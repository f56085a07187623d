"""Processes of the cluster and of the job are killed in the middle of a run: no row is lost, and none is doubled."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from tests.clusters.launched import Ended, Launch, paused, remains, scores, staged_chunks, wait_until, workers
from tests.helpers.pipeline_runs import committed
from tools.clusters.cluster import Cluster


@pytest.fixture
def words(photographs: Path, bundle_uri: str, tmp_path: Path) -> list[str]:
    """A run with many small chunks."""
    return ["--images", str(photographs), "--bundle", bundle_uri, "--output", str(tmp_path / "out"), "--chunk-size=5"]


@pytest.fixture
def expected(local_scores: list[dict[str, Any]], bundle_uri: str) -> list[dict[str, Any]]:
    """The rows of the first model by the local runner."""
    from melanoma.model.bundle import load_bundle

    model = load_bundle(bundle_uri).model_id
    return [row for row in local_scores if row["model_id"] == model]


def assert_complete(ended: Ended, output: Path, expected: list[dict[str, Any]]) -> None:
    """Asserts that the table holds the same rows as the local runner's, and that nothing is left of the run."""
    assert ended.code == 0, ended.text
    assert [row["image_uri"] for row in scores(output)] == [row["image_uri"] for row in expected]
    assert scores(output) == expected
    assert remains(output) == []


def end_worker_machines(cluster: Cluster) -> None:
    """Kills all worker machines: Beam's code in Flink may keep a worker of a stage that it began again until then."""
    for name in cluster.worker_names:
        cluster.kill(name)


def test_a_killed_worker_machine_while_listing(
    cluster: Cluster, launch: Callable[..., Launch], words: list[str], tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    run = launch(*words)
    wait_until("a worker", lambda: workers(cluster))
    cluster.kill(cluster.worker_names[1])
    cluster.start(cluster.worker_names[1])
    assert_complete(run.wait(), tmp_path / "out", expected)
    end_worker_machines(cluster)


def test_a_killed_worker_machine_with_chunks_staged(
    cluster: Cluster, launch: Callable[..., Launch], words: list[str], tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    run = launch(*words)
    with paused(cluster, tmp_path / "out"):
        cluster.kill(cluster.worker_names[1])
    cluster.start(cluster.worker_names[1])
    assert_complete(run.wait(), tmp_path / "out", expected)
    end_worker_machines(cluster)


@pytest.mark.essential
def test_a_killed_worker_process(
    cluster: Cluster, launch: Callable[..., Launch], words: list[str], tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    run = launch(*words)
    with paused(cluster, tmp_path / "out"):
        workers(cluster)[0].kill()
    assert_complete(run.wait(), tmp_path / "out", expected)


def test_a_killed_job_server(
    cluster: Cluster,
    launch: Callable[..., Launch],
    start_again: Callable[..., Ended],
    words: list[str],
    tmp_path: Path,
    expected: list[dict[str, Any]],
) -> None:
    run = launch(*words)
    with paused(cluster, tmp_path / "out"):
        cluster.kill("job-server")
    ended = run.wait()
    assert ended.code == 3, ended.text
    cluster.restore()
    assert_complete(start_again(*words), tmp_path / "out", expected)


def test_a_killed_launcher(
    cluster: Cluster,
    launch: Callable[..., Launch],
    start_again: Callable[..., Ended],
    words: list[str],
    tmp_path: Path,
    expected: list[dict[str, Any]],
) -> None:
    run = launch(*words)
    with paused(cluster, tmp_path / "out"):
        run.kill()
    wait_until("no job on the cluster", lambda: cluster.jobs() == 0)
    assert_complete(start_again(*words), tmp_path / "out", expected)


@pytest.mark.essential
def test_a_stop_stops_the_job_on_the_cluster_and_the_next_start_resumes(
    cluster: Cluster, launch: Callable[..., Launch], words: list[str], tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    run = launch(*words)
    with paused(cluster, tmp_path / "out"):
        run.process.send_signal(signal.SIGTERM)
    ended = run.wait()
    assert ended.code == 3 and "nothing was committed" in ended.text, ended.text
    assert cluster.jobs() == 0
    assert committed(tmp_path / "out") == 0
    assert staged_chunks(tmp_path / "out") >= 2
    assert remains(tmp_path / "out") == []
    assert_complete(launch(*words).wait(), tmp_path / "out", expected)
    # The stopped run's chunks are still there, also those that a cancelled worker staged last: none is scored again.
    assert main(["score", *words, "--quiet"]) == 0
    assert scores(tmp_path / "out") == expected and remains(tmp_path / "out") == []
