"""One night: everything is checked before anything is read, then the pipeline runs."""

import argparse
import contextlib
import datetime
import gc
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jobs.console import logs
from jobs.nightly import stopping
from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError, UsageError
from melanoma.ingest.image_refs import distinct
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.sources import Root, Source, check_sources, kept_schema, list_images
from melanoma.model.bundle import load_bundle
from melanoma.runs import heartbeats, ledger, recovery
from melanoma.runs.planning import check_moved, plan_tasks
from melanoma.runs.records import COMMITTED, Counts, RunRecord, read_record
from melanoma.runs.run import ModelRun, Run, new_run
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class NightPlan:
    """A checked night.

    Attributes:
        models: What scores, each with a run of its own; the first one leads.
        sources: What is listed.
        warnings: For the operator.
    """

    models: tuple[ModelRun, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]

    @property
    def runs(self) -> list[Run]:
        """The runs of the night."""
        return [model.run for model in self.models]

    @property
    def layout(self) -> OutputLayout:
        """Layout of the output folder."""
        return self.models[0].run.layout


def prepare(args: argparse.Namespace) -> NightPlan:
    """Checks arguments, bundles, roots and output; nothing is written but a probe, and no photograph is read.

    Raises:
        UsageError: Something cannot work.
        BundleError: A bundle is not fit to score.
        NothingCommittedError: The output's store does not answer.
    """
    layout = OutputLayout.at(args.output)
    if not args.dry_run:
        heartbeats.refuse_beside_a_night(layout)
    sources = sources_of(args, layout)
    if args.rescore and args.retry_failed:
        raise UsageError("--rescore scores everything again, what failed too; leave --retry-failed out")
    if args.beam_options:
        from jobs.nightly.runners import options_of

        options_of(args.beam_options)
    bundles = [load_bundle(uri) for uri in args.bundle]
    if len({bundle.model_id for bundle in bundles}) < len(bundles):
        raise UsageError("--bundle: two of them are the same model; each scores once a night")
    empty = check_sources(sources)
    if not args.dry_run:
        storage.check_writable(layout.name, layout.probe())
    table = ScoreTable.open(layout)
    kept = kept_schema(sources)
    table.check_types(kept)
    warnings = _about_empty(empty, args, table)
    wishes = {"rescore": args.rescore, "retry_failed": args.retry_failed, "deadline": deadline_of(args)}
    runs = [replace(new_run(layout, bundle, kept, table.version, args.run_date), **wishes) for bundle in bundles]
    # The one that leads is the one that came first, also by its id.
    ids = sorted(run.run_id for run in runs)
    runs = [replace(run, run_id=run_id) for run, run_id in zip(runs, ids, strict=True)]
    models = tuple(ModelRun(run, bundle) for run, bundle in zip(runs, bundles, strict=True))
    return NightPlan(models, sources, warnings)


def sources_of(args: argparse.Namespace, layout: OutputLayout) -> tuple[Source, ...]:
    """Gives what a command is to list.

    Raises:
        UsageError: The flags contradict each other.
    """
    if bool(args.images) == bool(args.manifest):
        raise UsageError("say either --images URI (once or several times) or --manifest FILE")
    if args.uri_base and (args.manifest or len(args.images) != 1):
        raise UsageError("--uri-base goes with one --images, whose photographs the table knows under another place")
    if args.manifest:
        if args.pattern:
            raise UsageError("--pattern goes with --images; a manifest names its photographs itself")
        return (Manifest(args.manifest, tuple(args.keep), args.since),)
    if args.keep:
        raise UsageError("--keep goes with --manifest; roots have no columns")
    return tuple(Root(uri, args.pattern, args.uri_base, args.since, layout) for uri in args.images)


def deadline_of(args: argparse.Namespace) -> datetime.datetime | None:
    """Gives the moment, UTC, after which no chunk is begun: the earlier of `--stop-at` and `--max-time`."""
    now = datetime.datetime.now().astimezone()
    moments = []
    if args.stop_at is not None:
        moment = now.replace(hour=args.stop_at.hour, minute=args.stop_at.minute, second=0, microsecond=0)
        moments.append(moment if moment > now else moment + datetime.timedelta(days=1))
    if args.max_time is not None:
        moments.append(now + args.max_time)
    return min(moments).astimezone(datetime.UTC) if moments else None


def _about_empty(empty: Sequence[str], args: argparse.Namespace, table: ScoreTable) -> tuple[str, ...]:
    known_as = {root: args.uri_base or root for root in empty}
    unknown = [root for root in empty if not (args.allow_empty or table.knows_under(known_as[root]))]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: no photograph there; check the path, say with --pattern what counts as one, "
            "or allow it with --allow-empty"
        )
    return tuple(f"{root}: no photograph there any more" for root in empty)


def rehearse(plan: NightPlan, limit: int | None) -> list[Counts]:
    """Lists and counts what a run of each model would do, reading no photograph and writing nothing.

    Args:
        plan: Of the night.
        limit: Photographs that may be scored; None for all.

    Raises:
        UsageError: The night would refuse to go on.
    """
    refs = [ref for source in plan.sources for ref in list_images(source)]
    unique = distinct(refs)
    ledgers = ledger.load_ledgers(plan.runs)
    found = check_moved(plan_tasks(ledgers, unique)[1], plan.runs)
    counts = []
    for answers in found.answers:
        due = len(unique) - answers.skipped
        tried = due if limit is None else min(due, limit + len(answers.adopted))
        twice = len(refs) - len(unique)
        counts.append(Counts(len(refs), tried, skipped=answers.skipped, duplicates=twice, deferred=due - tried))
    return counts


@contextlib.contextmanager
def alone(plan: NightPlan) -> Iterator[None]:
    """Keeps a second start on the same output away while the block runs, and buries nights that died without a word.

    Raises:
        NothingCommittedError: Another night runs on that output.
    """
    with heartbeats.beating(plan.layout, plan.runs[0].run_id):
        for beat in heartbeats.dead(plan.layout):
            if beat.is_night:
                recovery.record_death(plan.layout, beat.run_id)
            heartbeats.bury(plan.layout, beat)
        recovery.correct(plan.layout)
        yield


def score(plan: NightPlan, args: argparse.Namespace) -> list[RunRecord]:
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
    options = options_of(args.beam_options)
    workers = workers_of(options)
    # Several processes with as many threads each as there are cores slow each other down.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    transform = ScoreImages(plan.models, args.batch_size, args.chunk_size, args.limit, workers)
    try:
        with stopping.stoppable(plan.runs), beam.Pipeline(runner=runner_of(options), options=options) as pipeline:
            _ = pipeline | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform
    except (RuntimeError, MelanomaError, PhotographError) as error:
        own = _as_own(error)
        record_stop(plan, str(own) if isinstance(own, MelanomaError) else "")
        raise own from error
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


def ended_early(plan: NightPlan) -> list[RunRecord]:
    """Gives the records of a night that ended with an error, as far as there are any."""
    with contextlib.suppress(MelanomaError, PhotographError):
        return [record for run in plan.runs if (record := read_record(run)) is not None]
    return []


def record_stop(plan: NightPlan, reason: str) -> None:
    """Leaves records of a night that ended early, if the store still takes them.

    Args:
        plan: Of the night.
        reason: In a sentence that names no photograph; empty where it is not known.
    """
    with contextlib.suppress(MelanomaError, PhotographError):
        for run in plan.runs:
            recovery.record_stop(run, reason)


def _as_own(error: Exception) -> Exception:
    """Finds our own error in what a runner makes of it: the class may be lost on the way, the text is not."""
    text = re.sub(r"\s*\[while running [^\]]*\]", "", f"{type(error).__module__}.{type(error).__name__}: {error}")
    found = re.findall(r"melanoma\.errors\.(\w+): (.+)", text)
    kinds = {kind.__name__: kind for kind in [*MelanomaError.__subclasses__()]}
    for name, text in reversed(found):
        if name in kinds:
            return kinds[name](text)
        if name in ("ReadError", "ImageError"):
            return NothingCommittedError(f"the store failed: {text}; nothing was committed")
    return error
