"""A nightly run from its checks to its exit code."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.console import lines, sigterm
from jobs.console.exit_codes import OK
from jobs.console.lines import complain, say, warn
from jobs.console.targets import check_file
from jobs.nightly import correcting, dry_run, early_end, launch, publishing, summary
from jobs.nightly.night import Night
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan, prepare
from jobs.nightly.progress import showing_progress
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.operations.delivery_checks import metrics_fault, require_command
from melanoma.redaction import redacted
from melanoma.reporting.verdict import Event, RunVerdict
from melanoma.storage.errors import with_advice
from melanoma.table.model_names import shown
from melanoma.terminal import printable


def execute(options: NightlyOptions) -> int:
    """Checks, scores, commits and publishes one nightly run, or only counts for a dry run.

    Returns:
        The exit code.

    Raises:
        UsageError: A flag, a folder or a bundle cannot be used.
        NothingCommittedError: The run ended early; a later start resumes it.
    """
    night = Night(options)
    try:
        sigterm.release()
        return _execute(night)
    except KeyboardInterrupt as interrupt:
        if options.dry_run:
            raise
        raise type(interrupt)(early_end.tell_interrupt(interrupt, night)) from None
    except BaseException as error:
        if not options.dry_run:
            early_end.tell_error(error, night)
        raise


def _execute(night: Night) -> int:
    options = night.options
    require_command(options.notify_command)
    check_file(options.metrics_file)
    try:
        night.plan = plan = _prepared(options)
        if options.dry_run:
            print(printable(redacted(dry_run.settings(options)), keep="\n"))
            print(printable(redacted(dry_run.describe(plan, dry_run.count(plan, options.limit))), keep="\n"))
            return OK
        with launch.exclusive(plan) as settled:
            warn(settled)
            night.plan = plan = replace(plan, warnings=(*plan.warnings, *settled))
            return _score(night, plan)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise UsageError(f"a folder disappeared while it was being listed: {error.detail}") from None
        if error.kind is ErrorKind.FORBIDDEN:
            raise UsageError(f"{with_advice(error)}; nothing was committed") from None
        raise NothingCommittedError(f"listing failed: {error.detail}; nothing was committed, start again") from None


def _prepared(options: NightlyOptions) -> RunPlan:
    """Returns the plan; a metrics file that cannot be written is one of its warnings, since the rows count more."""
    plan = prepare(options)
    if not options.dry_run and (fault := metrics_fault(options.metrics_file)):
        plan = replace(plan, warnings=(*plan.warnings, fault))
    warn(plan.warnings)
    return plan


def _score(night: Night, plan: RunPlan) -> int:
    lines.use(run_id=plan.runs[0].run_id)
    for run in plan.runs:
        shard = f", shard {run.shard}" if run.shard else ""
        say(f"Run {run.run_id}{shard}: model {shown(run.model_id, run.model_name)}, table {run.layout.root}")
    with showing_progress(plan.runs[0]) as progress:
        records = launch.run_pipeline(plan, night.options, lambda stop: early_end.tell_stop(stop, night))
    launch.confirm(records, plan.layout)
    sigterm.finish()
    completed = night.completed(records, (*correcting.correct(plan), *launch.compact(records, plan.layout)))
    runs = publishing.publish_reports(plan.models, completed, night.options)
    for model, reported in zip(plan.models, runs, strict=True):
        say(summary.summary(model, reported, progress.seconds), is_needed=reported.verdict.exit_code != OK)
        _tell(reported.verdict, plan.warnings)
    code = max(reported.verdict.exit_code for reported in runs)
    warn(publishing.deliver(runs, night.options.destination, code))
    return code


def _tell(verdict: RunVerdict, told: Sequence[str]) -> None:
    """Prints the reasons of a verdict that have not been printed yet; what has no warning's place is in the summary."""
    for reason in verdict.reasons:
        if reason.event is Event.WARNING:
            warn([reason.text] if reason.text not in told else [])
        elif verdict.exit_code:
            complain(f"{reason.event.replace('_', ' ')}: {reason.text}")
