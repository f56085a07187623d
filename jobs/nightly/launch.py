"""Launches a planned run: alone on its output, through a Beam pipeline, to its records."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from jobs.console.exit_codes import NOTHING_COMMITTED, WRONG_USAGE, exit_code_of
from jobs.nightly import stopping
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from jobs.nightly.stopping import Stop
from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError
from melanoma.reporting.judging import text_of_error
from melanoma.runs import heartbeats, recovery, staging
from melanoma.runs.heartbeat import Heartbeat
from melanoma.runs.records import COMMITTED, REFUSED, STOPPED, RunRecord, write_record
from melanoma.runs.stored_records import read_record
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.score_table import ScoreTable, overwritten


@contextlib.contextmanager
def exclusive(plan: RunPlan) -> Iterator[list[str]]:
    """Keeps other starts away from the output while the block runs, and first settles runs that were killed there.

    Yields:
        What the operator should know about such runs.

    Raises:
        NothingCommittedError: Another run is active on the output, or its store does not answer.
    """
    run = plan.runs[0]
    outliving = [of_model.run_id for of_model in plan.runs if of_model.workers is not None]
    with heartbeats.beating(plan.layout, run.run_id, run.shard, outliving):
        check_keys(plan.layout)
        # Runs of other shards that are active write their records themselves.
        first = min(beat.run_id for beat in (*heartbeats.active(plan.layout), Heartbeat.now(run.run_id)))
        settled = []
        for beat in heartbeats.stale(plan.layout):
            if beat.is_run:
                settled.append(recovery.record_death(plan.layout, beat.run_id, beat.shard))
            heartbeats.remove(plan.layout, beat.run_id)
        shards = 1 if run.shard is None else run.shard.total
        recovery.correct(plan.layout, first, shards)
        restored = recovery.restore(plan.layout, first, shards)
        yield [*settled, *(f"run {run_id} had left no record; it was made from its rows" for run_id in restored)]


def check_keys(layout: OutputLayout) -> None:
    """Makes the key of the staged files, and refuses a damaged key before anything is read.

    Others may not enter the folders of the keys and of what is staged, also where an earlier version let them.

    Raises:
        UsageError: A secret key of the output is damaged, or may not be read.
        NothingCommittedError: The store does not take a file.
        ReadError: The store does not answer.
    """
    for folder in (layout.private, layout.staging):
        storage.protect_folder(folder)
    Pseudonyms.known_to(layout)
    staging.prepare(layout)


def run_pipeline(
    plan: RunPlan, options: NightlyOptions, tell_stop: Callable[[Stop], object] = stopping.tell_nobody
) -> list[RunRecord]:
    """Scores and commits; returns the record of each model's run.

    Args:
        plan: Plan of the nightly run.
        options: Command line.
        tell_stop: Publishes that a signal has stopped the run, just before the process ends.

    Raises:
        MelanomaError: The run ended early: the error that ended it, in whatever process it was raised.
        NothingCommittedError: The runner returned without committing.
    """
    from jobs.nightly.pipeline_run import PipelineRun, import_libraries

    import_libraries(plan)
    scoring = PipelineRun(plan, options)
    try:
        scoring.run(tell_stop)
    except Exception as error:
        storage.hurry()
        if scoring.is_outlived:  # only the answer may have been lost on its way
            with contextlib.suppress(MelanomaError, PhotographError):
                if records := _records_of_all(plan):
                    return records
        cause = scoring.cause_of(error)
        record_early_end(plan, text_of_error(cause), exit_code_of(cause))
        cause = scoring.settled(cause)
        if cause is error:
            raise
        raise cause from error
    if records := _records_of_all(plan):
        return records
    raise NothingCommittedError("the runner returned without committing; choose another one after -- --runner=")


def _records_of_all(plan: RunPlan) -> list[RunRecord]:
    """Returns the records of the runs; none if one has neither a record nor rows."""
    records = [record for run in plan.runs if (record := recovery.record_of_run(run)) is not None]
    return records if len(records) == len(plan.runs) else []


def confirm(records: Sequence[RunRecord], layout: OutputLayout) -> None:
    """Looks whether the table still holds what was committed; a store may let another run overwrite it.

    Args:
        records: Record of each model's run.
        layout: Layout of the output folder.

    Raises:
        NothingCommittedError: A commit is gone; the record says so too.
    """
    committed = [record for record in records if record.outcome == COMMITTED]
    table = ScoreTable.open(layout) if committed else None
    lost = [record for record in committed if table is not None and not table.holds(record.run_id)]
    for record in lost:
        write_record(layout, replace(record, outcome=STOPPED, reason="another run overwrote its commit"))
    if lost:
        raise overwritten(layout)


def compact(records: Sequence[RunRecord], layout: OutputLayout) -> list[str]:
    """Merges the small files of many runs where that pays; returns a warning where it fails.

    Of several shards that run at the same time, the last one merges; two mergers would only be in each other's way.

    Args:
        records: Record of each model's run.
        layout: Layout of the output folder.
    """
    warnings, own = list[str](), {record.run_id for record in records}
    if any(record.shard for record in records) and {beat.run_id for beat in heartbeats.active(layout)} - own:
        return warnings
    for record in records:
        try:
            if record.outcome == COMMITTED:
                ScoreTable.open(layout).compact_if_it_pays(record.model_id)
        except (MelanomaError, PhotographError) as error:
            warnings.append(f"small files could not be merged, the next run tries again: {error}")
    return warnings


def records_so_far(plan: RunPlan) -> list[RunRecord]:
    """Returns the records of a run that ended early, as far as there are any and the store returns them."""
    with contextlib.suppress(MelanomaError, PhotographError):
        return [record for run in plan.runs if (record := read_record(run)) is not None]
    return []


def record_early_end(plan: RunPlan, reason: str, exit_code: int = NOTHING_COMMITTED) -> None:
    """Leaves records of a run that ended early, if the store still takes them.

    Args:
        plan: Plan of the nightly run.
        reason: A clause that names no photograph.
        exit_code: Exit code of the process: 2 if a person has to correct something first.
    """
    outcome = REFUSED if exit_code == WRONG_USAGE else STOPPED
    with contextlib.suppress(MelanomaError, PhotographError):
        for run in plan.runs:
            recovery.record_stop(run, reason, outcome)
