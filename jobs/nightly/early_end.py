"""What is told about a nightly run that ended before its time: by an error, by a defect, or by a signal."""

import contextlib

from jobs.console.exit_codes import WRONG_USAGE
from jobs.console.lines import warn
from jobs.nightly import launch, publishing
from jobs.nightly.destination import Destination
from jobs.nightly.night import Night
from jobs.nightly.stopping import Stop, stop_of, within
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
        error: What ended it; `KeyboardInterrupt` for a signal outside of the pipeline.
        night: The run as far as it had come.
    """
    if isinstance(error, KeyboardInterrupt):
        stop = stop_of(error)
        if night.plan is not None:
            launch.record_early_end(night.plan, stop.reason)
        tell_stop(stop, night)
        return
    verdict = judge_error(error)
    runs = _reported(night, verdict)
    told = publishing.deliver(runs, night.options.destination, verdict.exit_code, verdict)
    warn(warning for warning in told if not warning.endswith(str(error)))  # a refused metrics file fails again


def tell_stop(stop: Stop, night: Night) -> None:
    """Publishes that a signal stopped a nightly run, in the time that a scheduler leaves.

    Args:
        stop: The stop.
        night: The run as far as it had come.
    """
    verdict = RunVerdict(stop.exit_code, (Reason(Event.STOPPED, stop.reason),))
    runs = list[ReportedRun]()
    within(_REPORT_SECONDS, lambda: runs.extend(_reported(night, verdict)))
    warn(publishing.deliver(runs, night.options.destination, stop.exit_code, verdict, _NOTIFY_SECONDS))


def _reported(night: Night, verdict: RunVerdict) -> list[ReportedRun]:
    """Writes the reports of the runs that have a record, or records a start that ended before there was a run."""
    if night.plan is None:
        _record_start(verdict, night.options.destination)
        return []
    return publishing.publish_reports(night.plan.models, night.records_so_far(), night.options, verdict.exit_code)


def tell_refusal(error: MelanomaError, destination: Destination) -> None:
    """Publishes that a command line or a settings file was refused.

    Args:
        error: What is wrong with it.
        destination: Where the run is told, as far as it is known.
    """
    verdict = judge_error(error)
    _record_start(verdict, destination)
    warn(publishing.deliver([], destination, verdict.exit_code, verdict))


def _record_start(verdict: RunVerdict, destination: Destination) -> None:
    """Records a start that ended before there was a run, where its output has records already.

    A mistyped output is not created for this, and the pages of another run that is active are left to it.
    """
    outcome = REFUSED if verdict.exit_code == WRONG_USAGE else STOPPED
    if destination.output is None:
        return
    with contextlib.suppress(MelanomaError, PhotographError):
        layout = OutputLayout.at(destination.output)
        if recovery.has_records(layout) and not heartbeats.active(layout):
            record = recovery.refused_start(verdict.reasons[0].text, destination.run_date, outcome)
            publish_start(layout, record, verdict)
