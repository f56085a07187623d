"""What a cluster needs is added to the options; what they say themselves counts."""

import json
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
)

from jobs.nightly import cluster_defaults
from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.cluster import cluster_of
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.runs.workers import WorkerSettings
from tests.helpers.ports import free_port
from tests.jobs.nightly.test_flink_rest import JobManager, manager, worker

__all__ = ["manager"]
JOB_SERVER = "--job_endpoint=localhost:1"


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The worker program, as an installation puts it beside its Python."""
    (tmp_path / "bin").mkdir()
    path = tmp_path / "bin" / "melanoma-worker"
    path.touch()
    monkeypatch.setattr(cluster_defaults, "sys", type("Sys", (), {"executable": str(tmp_path / "bin" / "python")}))
    return path


def said(options: PipelineOptions, name: str) -> list[str]:
    """Returns the values of an option, also of one that only a job server knows."""
    return [word.partition("=")[2] for word in options._flags if word.startswith(f"--{name}=")]


def test_flink_gets_its_workers_attempts_and_slots(manager: JobManager, program: Path) -> None:
    manager.answers["/taskmanagers"] = {"taskmanagers": [worker("10.0.0.1", 4), worker("10.0.0.2", 4)]}
    options = parse_beam_options(["--runner=FlinkRunner", f"--flink_master={manager.address}"])
    portable = options.view_as(PortableOptions)
    assert portable.environment_type == "PROCESS"
    assert json.loads(portable.environment_config) == {"command": str(program)}
    assert options.view_as(FlinkRunnerOptions).parallelism == 8
    assert int(portable.sdk_worker_parallelism) == 4
    assert said(options, "number_of_execution_retries") == ["5"] and said(options, "execution_retry_delay") == ["5000"]
    assert portable.job_server_timeout > 24 * 3600  # it limits the stream of a job's states, too
    opened = options.view_as(JobServerOptions).job_server_jvm_properties
    assert "--add-opens=java.base/java.util=ALL-UNNAMED" in opened


def test_what_the_options_say_counts(manager: JobManager) -> None:
    manager.answers["/taskmanagers"] = {"taskmanagers": [worker("10.0.0.1", 4)]}
    words = ["--parallelism=2", "--sdk-worker-parallelism=1", "--number_of_execution_retries", "9"]
    docker = ["--environment_type=DOCKER", "--environment_config=registry/melanoma:1"]
    options = parse_beam_options(["--runner=FlinkRunner", f"--flink_master={manager.address}", *docker, *words[:1]])
    assert options.view_as(FlinkRunnerOptions).parallelism == 2
    portable = options.view_as(PortableOptions)
    assert (portable.environment_type, portable.environment_config) == ("DOCKER", "registry/melanoma:1")
    options = parse_beam_options(["--runner=FlinkRunner", f"--flink_master={manager.address}", *words[2:]])
    assert said(options, "number_of_execution_retries") == []
    assert options._flags[options._flags.index("--number_of_execution_retries") + 1] == "9"


def test_a_cluster_tells_how_many_chunks_are_scored_at_once_and_how_workers_share_a_machine(
    manager: JobManager,
) -> None:
    manager.answers["/taskmanagers"] = {"taskmanagers": [worker("10.0.0.1", 3), worker("10.0.0.1", 1)]}
    cluster = cluster_of(["--runner=FlinkRunner", f"--flink_master={manager.address}"])
    assert str(cluster) == "FlinkRunner, 4 chunks at once" and not cluster.is_this_process
    assert cluster.settings == WorkerSettings("", cluster.settings.umask if cluster.settings else 0, 3, 4)


@pytest.mark.parametrize(
    "words",
    [
        ["--runner=FlinkRunner"],
        ["--runner=SparkRunner", "--spark_master_url=local[2]"],
        ["--runner=PrismRunner"],
        ["--runner=PortableRunner", "--job_endpoint=embed"],
    ],
)
def test_a_runner_on_this_machine_has_its_workers_in_this_process(words: list[str]) -> None:
    assert parse_beam_options(words).view_as(PortableOptions).environment_type == "LOOPBACK"
    assert cluster_of(words).settings is None


@pytest.mark.parametrize("words", [[], ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]])
def test_nothing_is_added_for_the_local_runner(words: list[str]) -> None:
    assert parse_beam_options(words)._flags == words


def test_a_job_manager_that_does_not_answer_ends_the_start_unless_only_its_job_server_must_reach_it() -> None:
    words = ["--runner=FlinkRunner", f"--flink_master=127.0.0.1:{free_port()}"]
    with pytest.raises(NothingCommittedError, match=r"--flink_master=127.*no job manager of Flink answers there"):
        parse_beam_options(words)
    options = parse_beam_options([*words, JOB_SERVER])
    assert options.view_as(FlinkRunnerOptions).parallelism == -1


def test_a_worker_program_that_is_missing_is_named(program: Path) -> None:
    program.unlink()
    with pytest.raises(UsageError, match=f"{program}: not there, but the workers of the cluster are started by it"):
        parse_beam_options(["--runner=FlinkRunner", JOB_SERVER])
    assert sys.executable  # only the module's own name of it was replaced
