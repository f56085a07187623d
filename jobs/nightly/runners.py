"""Which Beam runner, with which options."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from melanoma.errors import UsageError

LOCAL = "FnApiRunner"


def options_of(words: Sequence[str]) -> PipelineOptions:
    """Parses Beam's options strictly.

    Raises:
        UsageError: Beam knows no such option, or `--setup_file` is not absolute.
    """
    parser = argparse.ArgumentParser(
        "melanoma score … --", add_help=False, allow_abbrev=False, conflict_handler="resolve"
    )
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(words))
    if unknown:
        raise UsageError(f"Beam has no option {' '.join(unknown)}; our own flags go before the --")
    options = PipelineOptions(list(words))
    workers = options.view_as(WorkerOptions)
    workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or "WARNING"
    setup_file = options.view_as(SetupOptions).setup_file
    if setup_file and not Path(setup_file).is_absolute():
        raise UsageError(f'--setup_file={setup_file} must be absolute, as Beam changes folders; write "$PWD/setup.py"')
    return options


def runner_of(options: PipelineOptions) -> Any:
    """Gives the runner: in this process unless another one is named.

    Beam's own default, `DirectRunner`, chooses by the shape of the pipeline and may try to download one.
    """
    name = options.view_as(StandardOptions).runner
    return FnApiRunner() if name in (None, LOCAL) else name


def workers_of(options: PipelineOptions) -> int:
    """Gives the number of worker processes, for the size of chunks."""
    local = options.view_as(DirectOptions)
    if local.direct_running_mode != "in_memory":
        return int(local.direct_num_workers) or os.cpu_count() or 1
    return int(options.view_as(WorkerOptions).num_workers or 1)
