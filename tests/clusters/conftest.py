"""One cluster for the whole suite, as `make test-flink` and `make test-spark` start it, and what every test shares."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from tests.clusters.launched import PHOTOGRAPHS, Ended, Launch, scores, wait_until, workers
from tests.helpers import fill
from tools.clusters.cluster import Cluster

ENGINE = os.environ.get("MELANOMA_CLUSTER_ENGINE")
_TRIES = 6
# The workers of a run end soon after it, so that each test begins without any.
_SHORT_STAY = "--environment_cache_millis=3000"
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder, and skips them without a cluster."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.cluster)
            if ENGINE is None:
                item.add_marker(pytest.mark.skip(reason="needs a cluster: make test-flink, make test-spark"))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that is up."""
    found = Cluster(str(ENGINE))
    if not found.is_up:
        pytest.fail(f"the cluster is not up; make test-{ENGINE} starts it")
    return found


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small photographs, one of them broken."""
    folder = tmp_path_factory.mktemp("photographs")
    fill(folder, PHOTOGRAPHS - 1)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return folder


@pytest.fixture(scope="session")
def local_scores(
    tmp_path_factory: pytest.TempPathFactory, photographs: Path, bundle_uri: str, other_bundle_uri: str
) -> list[dict[str, Any]]:
    """The rows of both models, by the runner in this process."""
    output = tmp_path_factory.mktemp("local")
    words = ["--images", str(photographs), "--output", str(output), "--bundle", bundle_uri, "--bundle"]
    assert main(["score", *words, other_bundle_uri, "--chunk-size", "5", "--quiet"]) == 0
    return scores(output)


@pytest.fixture
def launch(cluster: Cluster) -> Iterator[Callable[..., Launch]]:
    """Launches runs on the cluster; afterwards nothing of them may be left, and the cluster is whole again."""
    launched = list[Launch]()

    def start(*words: str, beam: list[str] | None = None, environment: dict[str, str] | None = None) -> Launch:
        launched.append(Launch(words, [*(beam or cluster.beam_options()), _SHORT_STAY], environment))
        return launched[-1]

    yield start
    left = [line for one in launched for line in one.left_behind()]
    for one in launched:
        one.remove()
    cluster.restore()
    wait_until("no job on the cluster", lambda: cluster.jobs() == 0, seconds=60)
    wait_until("no worker of a job", lambda: not workers(cluster), seconds=60)
    assert left == []


@pytest.fixture
def start_again(launch: Callable[..., Launch]) -> Callable[..., Ended]:
    """Starts a command again as a scheduler does, as long as it ends with exit code 3; returns how it ended."""

    def start(*words: str) -> Ended:
        for _ in range(_TRIES):
            if (ended := launch(*words).wait()).code != 3:
                break
            time.sleep(2)
        return ended

    return start
