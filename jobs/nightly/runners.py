"""The Beam runner and its options."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

from melanoma.errors import UsageError

LOCAL = "FnApiRunner"


def parse_beam_options(words: Sequence[str]) -> PipelineOptions:
    """Parses Beam's options strictly: Beam itself ignores words that it does not know.

    Raises:
        UsageError: Beam has no such option, or `--setup_file` is not absolute.
    """
    parser = argparse.ArgumentParser(
        "melanoma score … --", add_help=False, allow_abbrev=False, conflict_handler="resolve"
    )
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(words))
    if unknown:
        raise UsageError(f"Beam has no option {' '.join(unknown)}; flags of melanoma go before the --")
    options = PipelineOptions(list(words))
    workers = options.view_as(WorkerOptions)
    workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or "WARNING"
    setup_file = options.view_as(SetupOptions).setup_file
    if setup_file and not Path(setup_file).is_absolute():
        raise UsageError(
            f'--setup_file={setup_file} must be absolute, since Beam changes the working folder; write "$PWD/setup.py"'
        )
    return options


def runner_for(options: PipelineOptions) -> FnApiRunner | str:
    """Returns the runner that the options name, by default one in this process.

    Beam's own default, `DirectRunner`, chooses by the shape of the pipeline and may try to download another runner.

    Raises:
        UsageError: Beam has no runner of this name, or a package that it needs is not installed.
    """
    name = options.view_as(StandardOptions).runner
    if name in (None, LOCAL):
        return FnApiRunner()
    try:
        create_runner(name)
    except ImportError as error:
        # Of the runners that Beam lists by name, those that cannot be imported belong to one of its extras.
        raise UsageError(
            f"--runner={name}: it cannot be loaded ({error}); install what it needs, for example "
            "pip install 'apache-beam[gcp]' for Dataflow"
        ) from None
    except (ValueError, AttributeError):
        known = ", ".join(StandardOptions.KNOWN_RUNNER_NAMES)
        raise UsageError(f"--runner={name}: Beam has no such runner; it knows {known}") from None
    return str(name)


def works_in_this_process(options: PipelineOptions) -> bool:
    """Tells whether the options name the runner in this process, and no worker processes."""
    is_local = options.view_as(StandardOptions).runner in (None, LOCAL)
    return is_local and options.view_as(DirectOptions).direct_running_mode != "multi_processing"


def worker_count(options: PipelineOptions) -> int:
    """Returns the number of worker processes, at least 1."""
    local = options.view_as(DirectOptions)
    if local.direct_running_mode != "in_memory":
        return int(local.direct_num_workers) or os.cpu_count() or 1
    return int(options.view_as(WorkerOptions).num_workers or 1)
