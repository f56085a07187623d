"""What a run on a cluster needs and its options do not say; whatever they say counts."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    SparkRunnerOptions,
    StandardOptions,
    WorkerOptions,
)

from jobs.nightly import flink_rest
from jobs.nightly.job_server_options import said
from melanoma.errors import NothingCommittedError, UsageError

IN_LAUNCHER = "LOOPBACK"
WORKER_PROGRAM = "melanoma-worker"
_PORTABLE = ("FlinkRunner", "SparkRunner", "PortableRunner", "PrismRunner")
_NO_MASTER = ("[local]", "[auto]")
_LOCAL_SPARK = re.compile(r"local(\[.+\])?")
# Java refuses Python's spelling, and Python does not know all of Java's.
_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR", "FATAL": "ERROR", "NOTSET": "DEBUG"}
# A call's limit in Beam, which counts for the stream of a job's states too: that ends with the job, not before.
_CALL_SECONDS = 7 * 24 * 3600
# Flink starts a batch job again only as its own configuration says, not as the job's options do. So the run does that.
# A new attempt costs little, since what is staged is not scored again.
_RETRIES, _DELAY = "number_of_execution_retries", "execution_retry_delay"
_FLINK = {_RETRIES: "5", _DELAY: "5000", "environment_cache_millis": "30000"}
_OPENED = (
    *("java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.math", "java.net", "java.nio"),
    *("java.text",),
    *("java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks"),
    *("sun.nio.ch", "sun.nio.cs", "sun.security.action"),
)


def words_for(options: PipelineOptions, runner: str, words: Sequence[str]) -> list[str]:
    """Returns the words to add to those for Beam.

    Args:
        options: What the words say.
        runner: Name of the runner, without its module.
        words: The words.

    Raises:
        UsageError: The workers cannot be started as the options want.
        NothingCommittedError: The cluster does not answer.
    """
    if runner not in _PORTABLE:
        return []
    _refuse(options, runner)
    added = {"default_sdk_harness_log_level": _level(options), "job_server_timeout": str(_CALL_SECONDS)}
    added |= _environment(options, runner)
    if runner == "FlinkRunner" or (runner == "PortableRunner" and not _is_in_process(options)):
        added |= _FLINK | _parallelism(options)
    missing = {name: value for name, value in added.items() if not _is_said(name, words)}
    opened = [f"--job_server_jvm_property=--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    return [
        *(f"--{name}={value}" for name, value in missing.items()),
        *(opened if runner in ("FlinkRunner", "SparkRunner") else ()),
    ]


@dataclass(frozen=True)
class Attempts:
    """New attempts at a job that its cluster has lost.

    Attributes:
        number: How many.
        delay: Seconds before each.
    """

    number: int
    delay: float


def attempts_after_a_loss(options: PipelineOptions) -> Attempts:
    """Returns how often a run submits its job again, in the terms of Flink, whose batch jobs do not heed them."""
    number, delay = (said(options, name) or _FLINK[name] for name in (_RETRIES, _DELAY))
    return Attempts(max(0, int(float(number))), max(0.0, float(delay) / 1000))


def flink_master(options: PipelineOptions) -> str | None:
    """Returns the address of Flink's job manager; None where the options name none."""
    master = str(options.view_as(FlinkRunnerOptions).flink_master).strip()
    return None if master in _NO_MASTER else master


def slots_of(options: PipelineOptions) -> flink_rest.Slots | None:
    """Returns the slots of the cluster; None where it does not say.

    Raises:
        NothingCommittedError: The job manager of Flink does not answer.
    """
    if (master := flink_master(options)) is None:
        return None
    try:
        return flink_rest.slots(master)
    except flink_rest.FlinkError as error:
        if options.view_as(PortableOptions).job_endpoint:  # only its job server needs to reach it
            return None
        raise NothingCommittedError(
            f"--flink_master={master}: no job manager of Flink answers there ({error}); start the cluster, or correct "
            "the address; nothing was read"
        ) from None


def _refuse(options: PipelineOptions, runner: str) -> None:
    if runner == "PortableRunner" and not options.view_as(PortableOptions).job_endpoint:
        raise UsageError(
            "--runner=PortableRunner needs the address of a job server, --job_endpoint=HOST:PORT; or name the runner: "
            "FlinkRunner, SparkRunner"
        )
    jars = {
        "--flink_job_server_jar": options.view_as(FlinkRunnerOptions).flink_job_server_jar,
        "--spark_job_server_jar": options.view_as(SparkRunnerOptions).spark_job_server_jar,
    }
    for flag, jar in jars.items():
        if jar and "://" not in jar and not Path(jar).is_file():
            raise UsageError(f"{flag}={jar}: no such file")
    if options.view_as(StandardOptions).no_wait_until_finish:
        raise UsageError("--no_wait_until_finish: a run waits for its end, which it reports; leave it out")
    if options.view_as(PortableOptions).output_executable_path:
        raise UsageError("--output_executable_path: a run plans against the table of today; leave it out")


def _is_said(name: str, words: Sequence[str]) -> bool:
    if name == "default_sdk_harness_log_level":  # already in the value, spelt for Java
        return False
    return any(word.split("=")[0] in (f"--{name}", f"--{name.replace('_', '-')}") for word in words)


def _level(options: PipelineOptions) -> str:
    level = str(options.view_as(WorkerOptions).default_sdk_harness_log_level or "WARN").upper()
    return _LEVELS.get(level, level)


def _is_in_process(options: PipelineOptions) -> bool:
    return bool(options.view_as(PortableOptions).job_endpoint == "embed")


def _environment(options: PipelineOptions, runner: str) -> dict[str, str]:
    """Returns where the workers are: in this process for a runner on this machine, else one process a task manager."""
    portable = options.view_as(PortableOptions)
    if portable.environment_type:
        return {}
    if _is_on_this_machine(options, runner):
        return {"environment_type": IN_LAUNCHER}
    setup = options.view_as(SetupOptions)
    if setup.setup_file or setup.requirements_file or setup.extra_packages:
        raise UsageError(
            "--setup_file, --requirements_file and --extra_package need workers that install packages: name them, for "
            "example --environment_type=DOCKER --environment_config=IMAGE; or leave them out where melanoma is "
            f"installed on every machine as it is here, in {Path(sys.executable).parent.parent}"
        )
    program = Path(sys.executable).with_name(WORKER_PROGRAM)
    if not program.exists():
        raise UsageError(
            f"{program}: not there, but the workers of the cluster are started by it; install melanoma again, or say "
            "how they are started: --environment_type=… --environment_config=…"
        )
    return {"environment_type": "PROCESS", "environment_config": json.dumps({"command": str(program)})}


def _is_on_this_machine(options: PipelineOptions, runner: str) -> bool:
    portable = options.view_as(PortableOptions)
    if runner == "PrismRunner" or _is_in_process(options):
        return True
    if portable.job_endpoint:
        return False
    if runner == "SparkRunner":
        return _LOCAL_SPARK.fullmatch(options.view_as(SparkRunnerOptions).spark_master_url) is not None
    return runner == "FlinkRunner" and flink_master(options) is None


def _parallelism(options: PipelineOptions) -> dict[str, str]:
    slots = slots_of(options)
    if slots is None:
        return {}
    return {"parallelism": str(slots.total), "sdk_worker_parallelism": str(slots.of_worker)}
