"""The Beam runner: which one is meant, where its workers are, and how many there are."""

import os
import re

from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineRunner, create_runner

from jobs.nightly.job_servers import with_own_server
from melanoma.errors import UsageError
from melanoma.machine import processors

LOCAL = "FnApiRunner"
IN_LAUNCHER = "LOOPBACK"
_LOCAL_SPARK = re.compile(r"local(?:\[(\*|\d+)[^\]]*\])?")
_SPARK_SLOTS = re.compile(r"-Dspark\.(?:cores\.max|default\.parallelism)=(\d+)")


def runner_named(name: str | None) -> PipelineRunner:
    """Returns the runner of a name, by default one in this process.

    Beam's own default, `DirectRunner`, chooses by the shape of the pipeline and may try to download another runner.

    Raises:
        UsageError: Beam has no runner of this name, it is not fit, or a package that it needs is not installed.
    """
    if name in (None, LOCAL):
        return FnApiRunner()
    if "dask" in str(name).lower():
        raise UsageError(
            f"--runner={name}: Beam's runner for Dask drops outputs of a step that has several, so that no run could "
            "be complete; choose FlinkRunner, SparkRunner, or leave --runner out"
        )
    try:
        return with_own_server(create_runner(name))
    except ImportError as error:
        # Of the runners that Beam lists by name, those that cannot be imported belong to one of its extras.
        raise UsageError(
            f"--runner={name}: it cannot be loaded ({error}); install what it needs, for example "
            "pip install 'apache-beam[gcp]' for Dataflow"
        ) from None
    except (ValueError, AttributeError):
        known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
        raise UsageError(f"--runner={name}: Beam has no such runner; it knows {known}") from None


def runner_for(options: PipelineOptions) -> PipelineRunner:
    """Returns the runner that the options name.

    Raises:
        UsageError: There is none, it is not fit, or a package that it needs is not installed.
    """
    return runner_named(options.view_as(StandardOptions).runner)


def has_workers_elsewhere(options: PipelineOptions) -> bool:
    """Tells whether the workers are no part of this process, and may outlive it."""
    runner = runner_for(options)
    if isinstance(runner, PortableRunner):
        return bool(options.view_as(PortableOptions).environment_type != IN_LAUNCHER)
    return "Dataflow" in type(runner).__name__


def works_in_this_process(options: PipelineOptions) -> bool:
    """Tells whether the options name the runner in this process, and no worker processes."""
    is_local = options.view_as(StandardOptions).runner in (None, LOCAL)
    return is_local and options.view_as(DirectOptions).direct_running_mode != "multi_processing"


def worker_count(options: PipelineOptions, slots: int | None = None) -> int:
    """Returns how many chunks are scored at once, at least 1.

    Args:
        options: Options for Beam.
        slots: Slots of the cluster; None where it does not say.
    """
    local = options.view_as(DirectOptions)
    if local.direct_running_mode != "in_memory":
        return int(local.direct_num_workers) or os.cpu_count() or 1
    flink = options.view_as(FlinkRunnerOptions)
    stated = flink.parallelism if flink.parallelism > 0 else _spark_slots(options) or slots
    number = int(stated or options.view_as(WorkerOptions).num_workers or 1)
    return min(number, flink.max_parallelism) if flink.max_parallelism > 0 else number


def _spark_slots(options: PipelineOptions) -> int | None:
    """Returns how many tasks Spark runs at once, as far as the options say; None for other runners."""
    if "Spark" not in type(runner_for(options)).__name__:
        return None
    properties = " ".join(options.view_as(JobServerOptions).job_server_jvm_properties)
    if stated := _SPARK_SLOTS.search(properties):
        return int(stated[1])
    local = _LOCAL_SPARK.fullmatch(options.view_as(SparkRunnerOptions).spark_master_url)
    if local is None or options.view_as(PortableOptions).job_endpoint:
        return None
    return processors() if local[1] == "*" else int(local[1] or 1)
