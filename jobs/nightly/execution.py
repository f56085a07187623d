"""A nightly run from its checks to its exit code."""

import time
from dataclasses import replace

from jobs.console import sigterm
from jobs.console.exit_codes import OK
from jobs.console.targets import check_file
from jobs.nightly import dry_run, launch, publishing, summary
from jobs.nightly.options import NightlyOptions
from jobs.nightly.output import say, warn
from jobs.nightly.plan import RunPlan, prepare
from jobs.nightly.progress import showing_progress
from jobs.nightly.verdict import exit_code
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, ReadError, UsageError
from melanoma.runs.records import RunRecord
from melanoma.table.model_names import shown


def execute(options: NightlyOptions) -> int:
    """Checks, scores, commits and publishes one nightly run, or only counts for a dry run.

    Returns:
        The exit code.

    Raises:
        UsageError: A flag, a folder or a bundle cannot be used.
        NothingCommittedError: The run ended early; a later start resumes it.
    """
    publishing.check_command(options.notify_command)
    check_file(options.metrics_file)
    try:
        return _execute(options)
    except MelanomaError as error:
        if not options.dry_run:
            warn(publishing.publish_error(error, options))
        raise


def _execute(options: NightlyOptions) -> int:
    began = time.monotonic()
    try:
        plan = prepare(options)
        warn(plan.warnings)
        if options.dry_run:
            print(dry_run.settings(options))
            print(dry_run.describe(plan, dry_run.count(plan, options.limit)))
            return OK
        with launch.exclusive(plan):
            return _score(plan, options, began)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise UsageError(f"a folder disappeared while it was being listed: {error.detail}") from None
        raise NothingCommittedError(f"listing failed: {error.detail}; nothing was committed, start again") from None


def _score(plan: RunPlan, options: NightlyOptions, began: float) -> int:
    for run in plan.runs:
        say(f"Run {run.run_id}: model {shown(run.model_id, run.model_name)}, table {run.layout.root}")
    try:
        with showing_progress(plan.runs[0]) as progress:
            records = launch.run_pipeline(plan, options)
    except KeyboardInterrupt:
        launch.record_early_end(plan, "it was stopped before scoring began")
        raise
    except MelanomaError:
        records = [_completed(record, plan.warnings, began) for record in launch.records_so_far(plan)]
        warn(publishing.publish_reports(plan.models, records, options).warnings)
        raise
    sigterm.finish()
    for model, record in zip(plan.models, records, strict=True):
        say(summary.summary(model, record, progress.seconds))
    warnings = (*plan.warnings, *launch.compact(records, plan.layout))
    records = [_completed(record, warnings, began) for record in records]
    warn(publishing.publish(plan.models, records, options))
    return max(exit_code(record, options.max_failed) for record in records)


def _completed(record: RunRecord, warnings: tuple[str, ...], began: float) -> RunRecord:
    """Adds to a record what only the launching process knows."""
    seconds = round(time.monotonic() - began, 3)
    return replace(record, seconds=seconds, warnings=(*record.warnings, *warnings))
