"""What a run publishes at its end: its reports, its metrics, and one line for a command that notifies somebody."""

import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jobs.nightly.options import NightlyOptions
from jobs.nightly.verdict import is_over_budget
from melanoma.errors import MelanomaError, PhotographError, UsageError
from melanoma.reporting.messages import one_line
from melanoma.reporting.metrics import ReportedRun, write_metrics
from melanoma.reporting.publish import publish as publish_report
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun
from melanoma.terminal import printable

_COMMAND_SECONDS = 60


class Published(NamedTuple):
    """Reports that were written.

    Attributes:
        contents: Content of each run's report; empty if it could not be written.
        warnings: What could not be written.
    """

    contents: list[Mapping[str, Any]]
    warnings: list[str]


def check_command(command: str | None) -> None:
    """Checks the value of `--notify-command` before the run.

    Raises:
        UsageError: It cannot be split into words.
    """
    try:
        if command is not None and not shlex.split(command):
            raise ValueError("it is empty")
    except ValueError as error:
        raise UsageError(f"--notify-command {command!r} is not a command ({error}); check its quotes") from None


def publish(models: Sequence[ModelRun], records: Sequence[RunRecord], options: NightlyOptions) -> list[str]:
    """Writes reports and metrics, and runs the notification command.

    Args:
        models: Models of the nightly run.
        records: Record of each model's run.
        options: Command line.

    Returns:
        Warnings about what could not be published; the committed rows stand all the same.
    """
    contents, warnings = publish_reports(models, records, options)
    if options.metrics_file:
        warnings += _write_metrics(options.metrics_file, list(map(ReportedRun, records, contents)))
    if options.notify_command:
        lines = [one_line(record, is_over_budget(record, options.max_failed)) for record in records]
        warnings += _notify(options.notify_command, "; ".join(lines))
    return warnings


def publish_reports(models: Sequence[ModelRun], records: Sequence[RunRecord], options: NightlyOptions) -> Published:
    """Writes the reports only.

    Args:
        models: Models of the nightly run.
        records: Records of their runs; a run that ended early may have none.
        options: Command line.
    """
    report_options = ReportOptions(options.show_uris, options.list_suspicious)
    model_of = {model.run.run_id: model for model in models}
    published = Published([], [])
    for record in records:
        is_over = is_over_budget(record, options.max_failed)
        content: Mapping[str, Any] = {}
        try:
            content = publish_report(model_of[record.run_id], record, report_options, is_over)
        except (MelanomaError, PhotographError) as error:
            published.warnings.append(f"the report of run {record.run_id} could not be written: {error}")
        published.contents.append(content)
    return published


def publish_error(error: MelanomaError, options: NightlyOptions) -> list[str]:
    """Publishes that a run ended with an error; the metrics keep the time of the last successful run.

    Args:
        error: What ended the run.
        options: Command line.

    Returns:
        Warnings about what could not be published.
    """
    warnings = _write_metrics(options.metrics_file, []) if options.metrics_file else []
    if options.notify_command:
        warnings += _notify(options.notify_command, printable(f"FAILED {error}"))
    return warnings


def _write_metrics(path: str, runs: Sequence[ReportedRun]) -> list[str]:
    try:
        write_metrics(path, runs, time.time())
    except (MelanomaError, PhotographError) as error:
        return [f"--metrics-file: {error}"]
    return []


def _notify(command: str, line: str) -> list[str]:
    try:
        ended = subprocess.run([*shlex.split(command), line], timeout=_COMMAND_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return [f"--notify-command did not finish within {_COMMAND_SECONDS} seconds and was killed"]
    except OSError as error:
        return [f"--notify-command could not be run ({error.strerror or type(error).__name__})"]
    return [f"--notify-command ended with exit code {ended.returncode}"] if ended.returncode else []
