"""What is told about a nightly run that ended before its time: by an error, by a defect, or by a signal."""

import contextlib
from dataclasses import dataclass, field

from jobs.console import output_modes
from jobs.console.exit_codes import WRONG_USAGE
from jobs.console.lines import warn
from jobs.nightly import launch, publishing
from jobs.nightly.destination import Destination
from jobs.nightly.night import Night
from jobs.nightly.stopping import Stop, stop_of, within
from melanoma import storage
from melanoma.errors import MelanomaError, PhotographError
from melanoma.reporting.judging import judge_error
from melanoma.reporting.publish import publish_start
from melanoma.reporting.verdict import Event, Reason, ReportedRun, RunVerdict
from melanoma.runs import heartbeats, recovery
from melanoma.runs.records import REFUSED, STOPPED
from melanoma.table.layout import OutputLayout

_REPORT_SECONDS, _NOTIFY_SECONDS = 6.0, 9.0  # of the 25 in which a stopped process ends


def tell_error(error: BaseException, night: Night) -> None:
    """Publishes that a nightly run ended with an error.

    Args:
        error: What ended it.
        night: The run as far as it had come.
    """
    verdict, pages = judge_error(error), _Pages()
    _write_pages(night, verdict, pages)
    told = publishing.deliver(
        pages.runs, night.options.destination, verdict.exit_code, verdict, start_report=pages.start_report
    )
    warn(warning for warning in told if not warning.endswith(str(error)))  # a refused metrics file fails again


def tell_interrupt(interrupt: KeyboardInterrupt, night: Night) -> str:
    """Publishes that a signal stopped a nightly run outside of its pipeline.

    Args:
        interrupt: The signal.
        night: The run as far as it had come.

    Returns:
        What to tell on standard error.
    """
    stop = stop_of(interrupt)
    if night.plan is not None:
        launch.record_early_end(night.plan, stop.reason)
    runs = tell_stop(stop, night)
    is_known = night.plan is None or len(runs) == len(night.plan.runs)
    if not is_known or any(run.record.is_successful for run in runs):
        return "stopped"
    return "stopped: nothing was committed; run the same command again"


def tell_stop(stop: Stop, night: Night) -> list[ReportedRun]:
    """Publishes that a signal stopped a nightly run, in the time that a scheduler leaves.

    Args:
        stop: The stop.
        night: The run as far as it had come.

    Returns:
        The runs whose reports were written in time.
    """
    verdict, pages = RunVerdict(stop.exit_code, (Reason(Event.STOPPED, stop.reason),)), _Pages()
    within(_REPORT_SECONDS, lambda: _write_pages(night, verdict, pages))
    runs, destination = list(pages.runs), night.options.destination
    warn(publishing.deliver(runs, destination, stop.exit_code, verdict, _NOTIFY_SECONDS, pages.start_report))
    return runs


@dataclass
class _Pages:
    """The pages that an early end has left.

    Attributes:
        runs: Runs with a page.
        start_report: Address of the page of a start that ended before there was a run; empty if there is none.
    """

    runs: list[ReportedRun] = field(default_factory=list)
    start_report: str = ""


def _write_pages(night: Night, verdict: RunVerdict, pages: _Pages) -> None:
    """Writes the reports of the runs that have a record, or records a start that ended before there was a run."""
    if night.plan is None:
        pages.start_report = _record_start(verdict, night.options.destination)
        return
    records = night.records_so_far()
    pages.runs += publishing.publish_reports(night.plan.models, records, night.options, verdict.exit_code)


def tell_refusal(error: MelanomaError, destination: Destination) -> None:
    """Publishes that a command line or a settings file was refused.

    Args:
        error: What is wrong with it.
        destination: Where the run is told, as far as it is known.
    """
    verdict = judge_error(error)
    report = _record_start(verdict, destination)
    warn(publishing.deliver([], destination, verdict.exit_code, verdict, start_report=report))


def _record_start(verdict: RunVerdict, destination: Destination) -> str:
    """Records a start that ended before there was a run, where its output has records already; returns its report.

    A mistyped output is not created for this, and the pages of another run that is active are left to it.
    """
    outcome = REFUSED if verdict.exit_code == WRONG_USAGE else STOPPED
    if destination.output is None or not destination.output.strip():
        return ""
    with contextlib.suppress(MelanomaError, PhotographError):
        layout = OutputLayout.at(destination.output)
        if recovery.has_records(layout) and not heartbeats.active(layout, destination.shard):
            record = recovery.refused_start(verdict.reasons[0].text, destination.run_date, outcome, destination.shard)
            with output_modes.like(storage.local_path(layout.log)):
                publish_start(layout, record, verdict)
            return layout.report(record.run_id)
    return ""
