"""What a night leaves for the morning: its report, its metrics, and one line for whoever wants it."""

import argparse
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobs.nightly.options import NightlyOptions
from melanoma.errors import MelanomaError, PhotographError, UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.reporting.metrics import ReportedRun
    from melanoma.runs.records import RunRecord
    from melanoma.runs.run import ModelRun

_COMMAND_SECONDS = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags of what a night leaves."""
    morning = parser.add_argument_group("what it leaves for the morning")
    morning.add_argument("--metrics-file", metavar="FILE", help="figures for Prometheus, replaced whole")
    morning.add_argument("--notify-command", metavar="CMD", help="is started with one line about the night")
    morning.add_argument("--show-uris", action="store_true", help="name photographs in the report, not keyed hashes")
    morning.add_argument(
        "--list-suspicious", action="store_true", help="list the largest probabilities of melanoma (no diagnosis)"
    )


def check(options: NightlyOptions) -> None:
    """Checks the flags before the night.

    Raises:
        UsageError: The command cannot be split into words.
    """
    try:
        if options.notify_command is not None and not shlex.split(options.notify_command):
            raise ValueError("it is empty")
    except ValueError as error:
        raise UsageError(f"--notify-command {options.notify_command}: cannot be split into words ({error})") from None


def leave(
    models: Sequence["ModelRun"], records: Sequence["RunRecord"], over: Sequence[bool], options: NightlyOptions
) -> list[str]:
    """Leaves report, metrics and message.

    Args:
        models: Of the night.
        records: Of their runs.
        over: Whether each failed too often.
        options: Of the command.

    Returns:
        Warnings: what could not be left. The night itself stands, whatever happens here.
    """
    from melanoma.reporting.messages import one_line
    from melanoma.reporting.metrics import ReportedRun

    warnings, contents = leave_reports(models, records, over, options)
    if options.metrics_file:
        warnings += _metrics(options.metrics_file, list(map(ReportedRun, records, contents)))
    if options.notify_command:
        lines = [one_line(record, is_over) for record, is_over in zip(records, over, strict=True)]
        warnings += _notify(options.notify_command, "; ".join(lines))
    return warnings


def leave_reports(
    models: Sequence["ModelRun"], records: Sequence["RunRecord"], over: Sequence[bool], options: NightlyOptions
) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Leaves the reports alone; gives warnings, and the content of each report."""
    from melanoma.reporting.publish import publish
    from melanoma.reporting.quality_sample import ReportOptions

    report_options = ReportOptions(options.show_uris, options.list_suspicious)
    by_run = {model.run.run_id: model for model in models}
    warnings, contents = list[str](), list[Mapping[str, Any]]()
    for record, is_over in zip(records, over, strict=True):
        try:
            contents.append(publish(by_run[record.run_id], record, report_options, is_over))
        except (MelanomaError, PhotographError) as error:
            contents.append({})
            warnings.append(f"the report of run {record.run_id} could not be left: {error}")
    return warnings, contents


def tell_failure(error: MelanomaError, options: NightlyOptions) -> list[str]:
    """Tells whoever wants to know of a night that ended with an error; the metrics keep the last good night's time."""
    warnings = _metrics(options.metrics_file, []) if options.metrics_file and not options.dry_run else []
    if options.notify_command and not options.dry_run:
        warnings += _notify(options.notify_command, printable(f"FAILED {error}"))
    return warnings


def _metrics(path: str, runs: Sequence["ReportedRun"]) -> list[str]:
    from melanoma.reporting.metrics import write_metrics

    try:
        write_metrics(path, runs, time.time())
    except (MelanomaError, PhotographError) as error:
        return [f"--metrics-file: {error}"]
    return []


def _notify(command: str, line: str) -> list[str]:
    try:
        ended = subprocess.run([*shlex.split(command), line], timeout=_COMMAND_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"--notify-command did not run to its end ({type(error).__name__})"]
    return [f"--notify-command ended with {ended.returncode}"] if ended.returncode else []


def with_time(records: Sequence["RunRecord"], seconds: float, warnings: Sequence[str]) -> list["RunRecord"]:
    """Adds to records what only the driver of a night knows."""
    return [replace(record, seconds=round(seconds, 3), warnings=(*record.warnings, *warnings)) for record in records]
