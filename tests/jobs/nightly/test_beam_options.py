"""Options for Beam: what Beam, a runner or a job server knows is taken, everything else is refused with a near name."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, WorkerOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from jobs.nightly import job_servers
from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.cluster import cluster_of
from melanoma.errors import NothingCommittedError, UsageError
from tests.helpers.ports import free_port

REMOTE = ["--runner=FlinkRunner", "--job_endpoint=localhost:1"]


def test_options_reach_beam() -> None:
    options = parse_beam_options(["--runner=FlinkRunner", "--num_workers=3"])
    assert options.view_as(StandardOptions).runner == "FlinkRunner"
    assert options.view_as(WorkerOptions).num_workers == 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--no_such_option=1"], "Beam has no option --no_such_option=1; flags of melanoma go before the --$"),
        (["--paralelism=2"], "no option --paralelism=2;.*; did you mean --parallelism"),
        (["--runner=FlinkRunner", "--number_of_execution_retrys=2"], "did you mean --number_of_execution_retries"),
        (["--object_reuse"], "no option --object_reuse"),  # only a job server knows it
        (["--runner=FlinkRunner", "--images", "in"], "--images in"),
        (["--run=FlinkRunner"], "--run=FlinkRunner"),  # an abbreviation
        (["--parallelism=many"], "argument --parallelism: invalid int value: 'many'"),
        (["--flink_version=7"], "argument --flink_version: invalid choice"),
        (["--runner=FlinkRunner", "--execution_retry_delay=soon"], "argument --execution_retry_delay: invalid float"),
        (["--environment_type=EXTERNAL"], "external_service_address is required for environment type EXTERNAL"),
        (["--setup_file=setup.py"], r'--setup_file=setup\.py must be absolute.*write "\$PWD/setup\.py"'),
        ([*REMOTE, "--setup_file=/srv/setup.py"], "need workers that install packages"),
        ([*REMOTE, "--no_wait_until_finish"], "a run waits for its end"),
        ([*REMOTE, "--output_executable_path=/tmp/x.jar"], "plans against the table of today"),
        (["--runner=PortableRunner"], "needs the address of a job server, --job_endpoint=HOST:PORT"),
        (
            ["--runner=FlinkRunner", "--flink_job_server_jar=/no/x.jar"],
            "^--flink_job_server_jar=/no/x.jar: no such file",
        ),
        (["--runner=SparkRunner", "--spark_job_server_jar=no.jar"], "^--spark_job_server_jar=no.jar: no such file"),
        (["--s3_secret_access_key=hidden"], "^--s3_secret_access_key: a secret does not go into a pipeline"),
    ],
)
def test_options_that_cannot_be_used_are_refused(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refused:
        parse_beam_options(words)
    assert "hidden" not in str(refused.value)


def test_options_of_a_job_server_are_taken_and_its_switches_are_spelt_as_beam_takes_them() -> None:
    words = [
        "--number_of_execution_retries=2",
        "--execution_retry_delay=9",
        "--object_reuse=true",
        "--faster_copy=false",
    ]
    options = parse_beam_options([*REMOTE, "--max_bundle_size=7", *words])
    assert {"--object_reuse", "--max_bundle_size=7", "--execution_retry_delay=9"} <= set(options._flags)
    assert not any(word.startswith("--faster_copy") for word in options._flags)
    assert options._flags.count("--number_of_execution_retries=5") == 0  # the operator's own number counts


def test_an_absolute_setup_file_is_accepted() -> None:
    assert parse_beam_options(["--setup_file=/srv/setup.py"]).get_all_options()["setup_file"] == "/srv/setup.py"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], logging.getLevelName(logging.WARNING)),
        (["--default_sdk_harness_log_level=DEBUG"], "DEBUG"),
        (REMOTE, "WARN"),
        ([*REMOTE, "--default_sdk_harness_log_level=warning"], "WARN"),
        ([*REMOTE, "--default_sdk_harness_log_level", "CRITICAL"], "ERROR"),
        ([*REMOTE, "--default_sdk_harness_log_level=INFO"], "INFO"),
    ],
)
def test_workers_log_warnings_unless_told_otherwise_in_the_spelling_of_their_runner(
    words: list[str], expected: str
) -> None:
    assert parse_beam_options(words).view_as(WorkerOptions).default_sdk_harness_log_level == expected


class Describing(beam_job_api_pb2_grpc.JobServiceServicer):  # type: ignore[misc]
    """A job server that only says which options it knows."""

    def DescribePipelineOptions(self, request: object, context: object) -> object:  # noqa: N802 - as gRPC calls it
        kinds = beam_job_api_pb2.PipelineOptionType
        names = {"glide": kinds.BOOLEAN, "depth": kinds.INTEGER, "colour": kinds.STRING, "runner": kinds.STRING}
        described = [beam_job_api_pb2.PipelineOptionDescriptor(name=name, type=kind) for name, kind in names.items()]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=described)


@pytest.fixture
def job_server() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Describing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_job_server_that_runs_is_asked_what_it_knows(job_server: str) -> None:
    words = ["--runner=PortableRunner", f"--job_endpoint={job_server}", "--environment_type=LOOPBACK"]
    options = parse_beam_options([*words, "--glide", "--depth=3", "--colour", "blue"])
    assert isinstance(options, PipelineOptions)
    for wrong in ("--depth=deep", "--colours=blue"):
        with pytest.raises(UsageError, match=wrong.split("=")[0]):
            parse_beam_options([*words, wrong])


def test_a_job_server_that_does_not_answer_is_no_mistake_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_servers, "_CONNECT_SECONDS", 0.2)
    endpoint = f"127.0.0.1:{free_port()}"
    words = ["--runner=PortableRunner", f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK"]
    for start, line in ((parse_beam_options, [*words, "--colour=blue"]), (cluster_of, words)):
        with pytest.raises(NothingCommittedError, match=f"--job_endpoint={endpoint}: no job server answers there"):
            start(line)
