"""The plan of a nightly run: everything is checked before any photograph is read."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.nightly.options import NightlyOptions, ScoringOptions
from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ingest.image_refs import distinct
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.sources import Root, Source, check_sources, kept_schema, list_images
from melanoma.model.bundle import load_bundle
from melanoma.runs import heartbeats, ledger
from melanoma.runs.planning import check_moved, plan_tasks
from melanoma.runs.records import Counts
from melanoma.runs.run import ModelRun, Run, new_run
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable


@dataclass(frozen=True)
class RunPlan:
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


def prepare(options: NightlyOptions) -> RunPlan:
    """Checks arguments, bundles, roots and output; nothing is written but a probe, and no photograph is read.

    Raises:
        UsageError: Something cannot work.
        BundleError: A bundle is not fit to score.
        NothingCommittedError: The output's store does not answer.
    """
    layout = OutputLayout.at(options.output)
    if not options.dry_run:
        heartbeats.refuse_if_active(layout)
    sources = sources_of(options, layout)
    if options.rescore and options.retry_failed:
        raise UsageError("--rescore scores everything again, what failed too; leave --retry-failed out")
    if options.beam_options:
        from jobs.nightly.runners import options_of

        options_of(options.beam_options)
    bundles = [load_bundle(uri) for uri in options.bundle]
    if len({bundle.model_id for bundle in bundles}) < len(bundles):
        raise UsageError("--bundle: two of them are the same model; each scores once a night")
    empty = check_sources(sources)
    if not options.dry_run:
        storage.check_writable(layout.name, layout.probe())
    table = ScoreTable.open(layout)
    kept = kept_schema(sources)
    table.check_types(kept)
    warnings = _about_empty(empty, options, table)
    wishes: dict[str, Any] = {
        "rescore": options.rescore,
        "retry_failed": options.retry_failed,
        "deadline": deadline_of(options),
    }
    runs = [replace(new_run(layout, bundle, kept, table.version, options.run_date), **wishes) for bundle in bundles]
    # The one that leads is the one that came first, also by its id.
    ids = sorted(run.run_id for run in runs)
    runs = [replace(run, run_id=run_id) for run, run_id in zip(runs, ids, strict=True)]
    models = tuple(ModelRun(run, bundle) for run, bundle in zip(runs, bundles, strict=True))
    return RunPlan(models, sources, warnings)


def sources_of(options: ScoringOptions, layout: OutputLayout | None) -> tuple[Source, ...]:
    """Gives what a command is to list.

    Raises:
        UsageError: The flags contradict each other.
    """
    if bool(options.images) == bool(options.manifest):
        raise UsageError("say either --images URI (once or several times) or --manifest FILE")
    if options.uri_base and (options.manifest or len(options.images) != 1):
        raise UsageError("--uri-base goes with one --images, whose photographs the table knows under another place")
    if options.manifest:
        if options.pattern:
            raise UsageError("--pattern goes with --images; a manifest names its photographs itself")
        return (Manifest(options.manifest, options.keep, options.since),)
    if options.keep:
        raise UsageError("--keep goes with --manifest; roots have no columns")
    return tuple(Root(uri, options.pattern, options.uri_base, options.since, layout) for uri in options.images)


def deadline_of(options: NightlyOptions) -> datetime.datetime | None:
    """Gives the moment, UTC, after which no chunk is begun: the earlier of `--stop-at` and `--max-time`."""
    now = datetime.datetime.now().astimezone()
    moments = []
    if options.stop_at is not None:
        moment = now.replace(hour=options.stop_at.hour, minute=options.stop_at.minute, second=0, microsecond=0)
        moments.append(moment if moment > now else moment + datetime.timedelta(days=1))
    if options.max_time is not None:
        moments.append(now + options.max_time)
    return min(moments).astimezone(datetime.UTC) if moments else None


def _about_empty(empty: Sequence[str], options: NightlyOptions, table: ScoreTable) -> tuple[str, ...]:
    known_as = {root: options.uri_base or root for root in empty}
    unknown = [root for root in empty if not (options.allow_empty or table.knows_under(known_as[root]))]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: no photograph there; check the path, say with --pattern what counts as one, "
            "or allow it with --allow-empty"
        )
    return tuple(f"{root}: no photograph there any more" for root in empty)


def rehearse(plan: RunPlan, limit: int | None) -> list[Counts]:
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
    for answers in found.by_model:
        due = len(unique) - answers.skipped
        tried = due if limit is None else min(due, limit + len(answers.adopted))
        twice = len(refs) - len(unique)
        counts.append(Counts(len(refs), tried, skipped=answers.skipped, duplicates=twice, deferred=due - tried))
    return counts
