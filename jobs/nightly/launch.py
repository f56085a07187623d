"""Launches a planned run: alone on its output, through a Beam pipeline, to its records."""

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from jobs.console import logs
from jobs.console.exit_codes import NOTHING_COMMITTED, WRONG_USAGE, exit_code_of
from jobs.nightly import local_workers, stopping
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from jobs.nightly.stopping import Stop
from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError
from melanoma.images.decoder_pool import decoders
from melanoma.machine import share_threads
from melanoma.reporting.judging import text_of_error
from melanoma.runs import failures, heartbeats, recovery, staging
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
    with heartbeats.beating(plan.layout, run.run_id, run.shard):
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
    if _decodes_here(options):
        decoders()  # they load their libraries while this process loads its own
    _import_libraries()
    try:
        _run_pipeline(plan, options, tell_stop)
    except Exception as error:
        storage.hurry()
        cause = failures.cause_of(plan.runs, error)
        record_early_end(plan, text_of_error(cause), exit_code_of(cause))
        if cause is error:
            raise
        raise cause from error
    records = [record for run in plan.runs if (record := recovery.record_of_run(run)) is not None]
    if len(records) < len(plan.runs):
        raise NothingCommittedError("the runner returned without committing; choose another one after -- --runner=")
    return records


def _decodes_here(options: NightlyOptions) -> bool:
    """Tells whether photographs are decoded in this process, and not in worker processes or on other machines."""
    if not options.beam_options:
        return True
    from jobs.nightly.runners import parse_beam_options, works_in_this_process  # loads Beam

    return works_in_this_process(parse_beam_options(options.beam_options))


def _import_libraries() -> None:
    """Imports Beam and TensorFlow, which takes most of the start-up.

    Their millions of objects live as long as the process. Garbage collections between the imports would find nothing
    and cost over a second; `gc.freeze` spares later collections from walking through these objects again.
    """
    gc.disable()
    try:
        import pipelines.scoring  # noqa: F401 - with Apache Beam

        with logs.native_silence():  # TensorFlow greets at length
            import melanoma.model.engine  # noqa: F401
        gc.freeze()
    finally:
        gc.enable()


def _run_pipeline(plan: RunPlan, options: NightlyOptions, tell_stop: Callable[[Stop], object]) -> None:
    import apache_beam as beam

    from jobs.nightly.runners import parse_beam_options, runner_for, worker_count
    from pipelines.scoring import ScoreImages

    beam_options = parse_beam_options(options.beam_options)
    workers = worker_count(beam_options)
    # Several processes with as many threads each as there are cores slow each other down.
    share_threads(workers)
    transform = ScoreImages(plan.models, options.batch_size, options.chunk_size, options.limit, workers)
    watching = local_workers.ended_after(lambda: failures.is_recorded(plan.runs))
    with (
        stopping.stop_on_signals(plan.runs, tell_stop),
        local_workers.told_of_death(),
        watching if workers > 1 else contextlib.nullcontext(),
        beam.Pipeline(runner=runner_for(beam_options), options=beam_options) as pipeline,
    ):
        _ = pipeline | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform


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
