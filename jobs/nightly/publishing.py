"""What a run publishes at its end: its reports, its metrics, and one line for a command that notifies somebody."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace

from jobs.console import output_modes
from jobs.nightly.destination import Destination
from jobs.nightly.options import NightlyOptions
from melanoma.errors import MelanomaError, PhotographError
from melanoma.operations.delivery_checks import run_command
from melanoma.redaction import redacted
from melanoma.reporting.judging import judge
from melanoma.reporting.messages import one_line, one_line_without_run
from melanoma.reporting.metrics import Ending, write_metrics
from melanoma.reporting.publish import ReportSettings, publish
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.reporting.verdict import ReportedRun, RunVerdict
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun
from melanoma.table.layout import OutputLayout

COMMAND_SECONDS = 60.0


def publish_reports(
    models: Sequence[ModelRun], records: Sequence[RunRecord], options: NightlyOptions, exit_code: int | None = None
) -> list[ReportedRun]:
    """Judges the runs and writes their reports; one that cannot be written is a warning of its run.

    Args:
        models: Models of the nightly run.
        records: Records of their runs; a run that ended early may have none.
        options: Command line.
        exit_code: Code with which runs that ended early end the process; None for the usual one.
    """
    content = ReportOptions(options.show_uris, options.list_suspicious)
    settings = ReportSettings(content, options.limits, exit_code)
    model_of = {model.run.run_id: model for model in models}
    return [_published(model_of[record.run_id], record, settings) for record in records]


def _published(model: ModelRun, record: RunRecord, settings: ReportSettings) -> ReportedRun:
    try:
        return publish(model, record, settings)
    except (MelanomaError, PhotographError) as error:
        warning = f"the report of run {record.run_id} could not be written: {error}"
        record = replace(record, warnings=(*record.warnings, warning))
        return ReportedRun(record, {}, judge(record, {}, settings.limits, settings.exit_code))


def deliver(
    runs: Sequence[ReportedRun],
    destination: Destination,
    exit_code: int,
    error: RunVerdict | None = None,
    seconds: float = COMMAND_SECONDS,
    start_report: str = "",
) -> list[str]:
    """Writes the metrics and runs the notification command.

    Args:
        runs: The runs of the models; those that have no record are absent.
        destination: Where the run is told.
        exit_code: Exit code of the process.
        error: What ended the nightly run early; None if it came to its end.
        seconds: Time for the command.
        start_report: Address of the report of a start that ended before there was a run; empty if there is none.

    Returns:
        Warnings about what could not be delivered; committed rows stand all the same.
    """
    warnings = []
    with output_modes.as_started():  # programs of other users read the metrics, and may be run
        if destination.metrics_file:
            warnings += _write_metrics(destination.metrics_file, Ending(runs, exit_code, time.time()))
        if destination.notify_command:
            warnings += _notify(destination.notify_command, message(runs, destination, error, start_report), seconds)
    return warnings


def message(
    runs: Sequence[ReportedRun], destination: Destination, error: RunVerdict | None, start_report: str = ""
) -> str:
    """Returns one line about a nightly run: a part for each model, or one about the error that came before them.

    Args:
        runs: The runs of the models.
        destination: Where the run is told.
        error: What ended the nightly run early; None if it came to its end.
        start_report: Address of the report of a start that ended before there was a run; empty if there is none.
    """
    layout = OutputLayout.at(destination.output) if runs and destination.output else None
    parts = [one_line(run, layout.report(run.record.run_id)) for run in runs if layout is not None]
    if error is not None and all(run.record.is_successful for run in runs):
        parts.append(one_line_without_run(error, destination.bundle, destination.run_date, start_report))
    return redacted("; ".join(parts))


def _write_metrics(path: str, ending: Ending) -> list[str]:
    try:
        write_metrics(path, ending)
    except (MelanomaError, PhotographError) as error:
        return [f"--metrics-file: {error}"]
    return []


def _notify(command: str, line: str, seconds: float) -> list[str]:
    try:
        code = run_command(command, line, seconds)
    except subprocess.TimeoutExpired:
        return [f"--notify-command did not finish within {seconds:g} seconds and was killed"]
    except ValueError:
        return ["--notify-command could not be run (it is not a command)"]
    except OSError as error:
        return [f"--notify-command could not be run ({error.strerror or type(error).__name__})"]
    return [f"--notify-command ended with exit code {code}"] if code else []
