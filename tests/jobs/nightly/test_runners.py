"""Beam's options are parsed strictly, and the local runner is the default."""

import logging
import os

import pytest
from apache_beam.options.pipeline_options import StandardOptions, WorkerOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from jobs.nightly.beam_options import parse_beam_options
from jobs.nightly.runners import LOCAL, runner_for, worker_count, works_in_this_process
from melanoma.errors import UsageError

PROCESSES = "--direct_running_mode=multi_processing"


def test_options_reach_beam() -> None:
    options = parse_beam_options(["--runner=FlinkRunner", "--num_workers=3"])
    assert options.view_as(StandardOptions).runner == "FlinkRunner"
    assert options.view_as(WorkerOptions).num_workers == 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--no_such_option=1"], "Beam has no option --no_such_option=1; flags of melanoma go before the --"),
        (["--runner=FlinkRunner", "--images", "in"], "--images in"),
        (["--run=FlinkRunner"], "--run=FlinkRunner"),  # an abbreviation
        (["--setup_file=setup.py"], r'--setup_file=setup\.py must be absolute.*write "\$PWD/setup\.py"'),
    ],
)
def test_options_that_beam_would_ignore_or_lose_are_refused(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_beam_options(words)


def test_an_absolute_setup_file_is_accepted() -> None:
    assert parse_beam_options(["--setup_file=/srv/setup.py"]).get_all_options()["setup_file"] == "/srv/setup.py"


def test_workers_log_warnings_unless_told_otherwise() -> None:
    quiet, told = parse_beam_options([]), parse_beam_options(["--default_sdk_harness_log_level=DEBUG"])
    assert quiet.view_as(WorkerOptions).default_sdk_harness_log_level == logging.getLevelName(logging.WARNING)
    assert told.view_as(WorkerOptions).default_sdk_harness_log_level == "DEBUG"


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
