"""Beam's options are parsed strictly, and the local runner is the default."""

import os

import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.runners import LOCAL, has_workers_elsewhere, runner_for, worker_count, works_in_this_process
from melanoma.errors import UsageError
from melanoma.machine import processors

SPARK_CLUSTER = ("--spark_master_url=spark://10.0.0.1:7077", "--environment_type=DOCKER")
PROCESSES = "--direct_running_mode=multi_processing"


@pytest.mark.parametrize("words", [[], [f"--runner={LOCAL}"]])
def test_the_local_runner_is_the_default(words: list[str]) -> None:
    assert isinstance(runner_for(parse_beam_options(words)), FnApiRunner)


def test_another_runner_is_chosen_by_its_name() -> None:
    assert type(runner_for(parse_beam_options(["--runner=FlinkRunner"]))).__name__ == "FlinkRunner"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Nope", "--runner=Nope: Beam has no such runner; it knows .*FlinkRunner"),
        ("no.such.Runner", r"--runner=no\.such\.Runner: it cannot be loaded .*; install what it needs"),
        ("DaskRunner", "--runner=DaskRunner: Beam's runner for Dask drops outputs"),
        ("apache_beam.runners.dask.dask_runner.DaskRunner", "drops outputs of a step that has several"),
        ("json.Runner", r"--runner=json\.Runner: Beam has no such runner"),
    ],
)
def test_an_unknown_runner_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        runner_for(parse_beam_options([f"--runner={name}"]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 1),
        ([PROCESSES, "--direct_num_workers=3"], 3),
        ([PROCESSES, "--direct_num_workers=0"], os.cpu_count()),
        (["--runner=FlinkRunner", "--num_workers=5"], 5),
        (["--runner=FlinkRunner"], 1),
        (["--runner=FlinkRunner", "--parallelism=100"], 100),
        (["--runner=FlinkRunner", "--parallelism=100", "--max_parallelism=8"], 8),
        (["--runner=SparkRunner", "--spark_master_url=local[3]"], 3),
        (["--runner=SparkRunner", "--spark_master_url=local[3,2]"], 3),
        (["--runner=SparkRunner", "--spark_master_url=local"], 1),
        (["--runner=SparkRunner", "--spark_master_url=local[*]"], processors()),
        (["--runner=SparkRunner", *SPARK_CLUSTER], 1),
        (["--runner=SparkRunner", *SPARK_CLUSTER, "--num_workers=6"], 6),
        (["--runner=SparkRunner", *SPARK_CLUSTER, "--job_server_jvm_property=-Dspark.cores.max=12"], 12),
        (["--runner=SparkRunner", *SPARK_CLUSTER, "--job_server_jvm_properties=-Dspark.default.parallelism=9"], 9),
    ],
)
def test_the_number_of_workers(words: list[str], expected: int) -> None:
    assert worker_count(parse_beam_options(words)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], True),
        (["--runner=FnApiRunner"], True),
        (["--direct_running_mode=multi_threading", "--direct_num_workers=2"], True),
        ([PROCESSES, "--direct_num_workers=2"], False),
        (["--runner=FlinkRunner"], False),
    ],
)
def test_only_the_local_runner_without_processes_works_in_this_process(words: list[str], expected: bool) -> None:
    assert works_in_this_process(parse_beam_options(words)) is expected


def test_options_of_a_refused_runner_do_not_hide_why_it_is_refused() -> None:
    with pytest.raises(UsageError, match="drops outputs"):
        parse_beam_options(["--runner=DaskRunner", "--dask_client_address=tcp://127.0.0.1:8786"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], False),
        ([PROCESSES], False),
        (["--runner=PrismRunner"], False),
        (["--runner=FlinkRunner"], False),
        (["--runner=FlinkRunner", "--flink_master=[local]"], False),
        (["--runner=SparkRunner"], False),
        (["--runner=PortableRunner", "--job_endpoint=embed"], False),
        (["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=LOOPBACK"], False),
        (["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=DOCKER"], True),
        (["--runner=SparkRunner", *SPARK_CLUSTER], True),
    ],
)
def test_workers_are_elsewhere_unless_they_are_threads_or_children_of_this_process(
    words: list[str], expected: bool
) -> None:
    assert has_workers_elsewhere(parse_beam_options(words)) is expected
