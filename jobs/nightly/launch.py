"""Launches a planned run: alone on its output, through a Beam pipeline, to its records."""

import contextlib
import gc
import os
from collections.abc import Iterator, Sequence

from jobs.console import logs
from jobs.nightly import stopping
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError
from melanoma.runs import failures, heartbeats, recovery
from melanoma.runs.records import COMMITTED, RunRecord, read_record
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@contextlib.contextmanager
def alone(plan: RunPlan) -> Iterator[None]:
    """Keeps a second start on the same output away while the block runs, and buries nights that died without a word.

    Raises:
        NothingCommittedError: Another night runs on that output.
    """
    with heartbeats.beating(plan.layout, plan.runs[0].run_id):
        for beat in heartbeats.stale(plan.layout):
            if beat.is_run:
                recovery.record_death(plan.layout, beat.run_id)
            heartbeats.remove(plan.layout, beat.run_id)
        recovery.correct(plan.layout)
        yield


def score(plan: RunPlan, options: NightlyOptions) -> list[RunRecord]:
    """Runs the pipeline and gives the record of each model's run.

    Raises:
        NothingCommittedError: It ended without one.
    """
    gc.disable()  # what is imported now stays for good: to look through it again and again costs a second and more
    import apache_beam as beam

    from jobs.nightly.runners import options_of, runner_of, workers_of
    from pipelines.scoring import ScoreImages

    with logs.native_silence():
        import melanoma.model.engine  # noqa: F401 - the pipeline will load it, and TensorFlow greets at length

    gc.freeze()
    gc.enable()
    beam_options = options_of(options.beam_options)
    workers = workers_of(beam_options)
    # Several processes with as many threads each as there are cores slow each other down.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    transform = ScoreImages(plan.models, options.batch_size, options.chunk_size, options.limit, workers)
    try:
        with (
            stopping.stoppable(plan.runs),
            beam.Pipeline(runner=runner_of(beam_options), options=beam_options) as pipeline,
        ):
            _ = pipeline | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform
    except Exception as error:
        cause = failures.cause_of(plan.runs, error)
        record_stop(plan, str(cause) if isinstance(cause, MelanomaError) else "")
        if cause is error:
            raise
        raise cause from error
    records = [read_record(run) for run in plan.runs]
    if any(record is None for record in records):
        raise NothingCommittedError(
            "the runner said that it was done, but the commit never ran; choose another --runner"
        )
    return [record for record in records if record is not None]


def tidy(records: Sequence[RunRecord], layout: OutputLayout) -> list[str]:
    """Merges the small files of many nights where that pays; gives a warning where it cannot."""
    warnings = []
    for record in records:
        try:
            if record.outcome == COMMITTED:
                ScoreTable.open(layout).compact_if_it_pays(record.model_id)
        except (MelanomaError, PhotographError) as error:
            warnings.append(f"small files could not be merged, the next night tries again: {error}")
    return warnings


def ended_early(plan: RunPlan) -> list[RunRecord]:
    """Gives the records of a night that ended with an error, as far as there are any."""
    with contextlib.suppress(MelanomaError, PhotographError):
        return [record for run in plan.runs if (record := read_record(run)) is not None]
    return []


def record_stop(plan: RunPlan, reason: str) -> None:
    """Leaves records of a night that ended early, if the store still takes them.

    Args:
        plan: Of the night.
        reason: In a sentence that names no photograph; empty where it is not known.
    """
    with contextlib.suppress(MelanomaError, PhotographError):
        for run in plan.runs:
            recovery.record_stop(run, reason)
