"""The plan of a nightly run: everything is checked before any photograph is read."""

import datetime
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobs.console.targets import check_folders
from jobs.nightly.clock import clock_behind, clock_warnings
from jobs.nightly.deadline import deadline_of
from jobs.nightly.options import NightlyOptions, SourceOptions
from melanoma import storage
from melanoma.errors import UsageError
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source, check_sources, kept_schema, list_images, with_known_columns
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.engine import usable_engines
from melanoma.runs import heartbeats
from melanoma.runs.run import ModelRun, Run, new_run
from melanoma.table.layout import OutputLayout
from melanoma.table.score_table import ScoreTable

if TYPE_CHECKING:
    from jobs.nightly.cluster import Cluster

_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar"}
_AFTER_DEADLINE_SECONDS = 45.0  # for the checks before a run; the rest of a minute is for its start


@dataclass(frozen=True)
class RunPlan:
    """A checked nightly run.

    Attributes:
        models: The models, each with a run of its own; the heartbeat bears the id of the first.
        sources: What is listed.
        warnings: Warnings for the operator.
        cluster: Where the options for Beam distribute it; None without any.
    """

    models: tuple[ModelRun, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]
    cluster: "Cluster | None" = None

    @property
    def runs(self) -> list[Run]:
        """Runs of the models."""
        return [model.run for model in self.models]

    @property
    def layout(self) -> OutputLayout:
        """Layout of the output folder."""
        return self.models[0].run.layout


def prepare(options: NightlyOptions) -> RunPlan:
    """Checks flags, bundles, sources and output; writes nothing but a probe and reads no photograph.

    Raises:
        UsageError: A flag, a source or the output cannot be used.
        BundleError: A bundle is not fit to score.
        ReadError: A store cannot be listed.
        NothingCommittedError: The output's store does not answer, or another run is active there.
    """
    storage.set_object_timeout(options.object_timeout.total_seconds())
    deadline = deadline_of(options, datetime.datetime.now(datetime.UTC))
    ends = None if deadline is None else storage.clock_time(deadline) + _AFTER_DEADLINE_SECONDS
    with storage.no_later_than(ends):
        return _prepared(options, deadline)


def _prepared(options: NightlyOptions, deadline: datetime.datetime | None) -> RunPlan:
    check_folders(options.output)
    layout = OutputLayout.at(options.output)
    if not options.dry_run:
        heartbeats.refuse_if_active(layout, options.shard)
    sources = sources_of(options, layout)
    if options.rescore and options.retry_failed:
        raise UsageError("--rescore includes failed photographs; leave --retry-failed out")
    cluster = _cluster_of(options)
    bundles = _load_bundles(options)
    if cluster is not None and cluster.settings is not None:  # workers elsewhere run in folders of their own
        sources = _with_whole_paths(sources)
        bundles = [replace(bundle, uri=storage.canonical(bundle.uri)) for bundle in bundles]
    empty_roots = check_sources(sources)
    if not options.dry_run:
        storage.check_committable(layout.name, layout.probe())
    table = ScoreTable.open(layout)
    sources = with_known_columns(sources, table.columns())
    kept = kept_schema(sources)
    table.check_types(kept)
    behind = clock_behind(table.newest_time(), datetime.datetime.now(datetime.UTC))
    warnings = (*_empty_root_warnings(empty_roots, sources, options, table), *clock_warnings(behind))
    runs = [new_run(layout, bundle, kept, table.version, options.run_date, options.engine) for bundle in bundles]
    runs = [replace(run, clock_behind=behind) for run in runs]
    runs = _with_options(runs, options, deadline)
    if cluster is not None:
        runs = cluster.told(runs)
    return RunPlan(tuple(map(ModelRun, runs, bundles)), sources, warnings, cluster)


def _cluster_of(options: NightlyOptions) -> "Cluster | None":
    if not options.beam_options:
        return None
    from jobs.nightly.cluster import cluster_of  # loads Beam

    return cluster_of(options.beam_options)


def _with_whole_paths(sources: Sequence[Source]) -> tuple[Source, ...]:
    whole = [replace(source, uri=storage.canonical(source.uri)) for source in sources]
    here = storage.local_path(".")
    return tuple(replace(source, folder=here) if isinstance(source, Manifest) else source for source in whole)


def sources_of(options: SourceOptions, layout: OutputLayout | None) -> tuple[Source, ...]:
    """Returns what a command is to list.

    Args:
        options: Flags that name the photographs.
        layout: Layout of the output folder, whose own files are never photographs; None without one.

    Raises:
        UsageError: The flags contradict each other.
    """
    if bool(options.images) == bool(options.manifest):
        raise UsageError("give either --images URI (once or several times) or --manifest FILE")
    if options.uri_base and (options.manifest or len(options.images) != 1):
        raise UsageError("--uri-base goes with exactly one --images: it is that folder's URI in the table")
    if options.manifest:
        if options.pattern:
            raise UsageError("--pattern goes with --images; a manifest lists its photographs itself")
        return (Manifest(options.manifest, options.keep, options.since),)
    facts = (options.pattern, options.uri_base, options.since, layout, options.keep)
    return tuple(Root(uri, *facts) for uri in options.images)


def _load_bundles(options: NightlyOptions) -> list[Bundle]:
    chosen = zip(options.bundle, options.expected_digests, strict=True)
    bundles = [load_bundle(uri, digest, options.signer) for uri, digest in chosen]
    for bundle in bundles:
        usable_engines(bundle, options.engine)
    if len({bundle.model_id for bundle in bundles}) < len(bundles):
        raise UsageError("--bundle: two of the bundles hold the same model; give each model once")
    return bundles


def _with_options(runs: Sequence[Run], options: NightlyOptions, deadline: datetime.datetime | None) -> list[Run]:
    """Adds what the command line says about each run, and assigns the smallest id to the first one.

    The first run writes the heartbeat, and of two starts at once the one with the larger id gives way.
    """
    return [
        replace(
            run,
            run_id=run_id,
            rescore=options.rescore,
            retry_failed=options.retry_failed,
            deadline=deadline,
            object_timeout=options.object_timeout.total_seconds(),
            shard=options.shard,
            is_profiled=options.profile,
        )
        for run, run_id in zip(runs, sorted(run.run_id for run in runs), strict=True)
    ]


def _empty_root_warnings(
    empty_roots: Sequence[str], sources: Sequence[Source], options: NightlyOptions, table: ScoreTable
) -> tuple[str, ...]:
    """Returns a warning for each root without photographs, and refuses those under which the table knows none."""
    emptied = {root for root in empty_roots if table.knows_under(options.uri_base or root)}
    if not options.allow_empty and (unknown := [root for root in empty_roots if root not in emptied]):
        raise UsageError(
            f"{', '.join(unknown)}: no photograph there{_other_files(unknown, sources)}; check the path, give the "
            "names to score with --pattern, or allow it with --allow-empty"
        )
    found = {root: "no photograph there any more" if root in emptied else "no photograph there" for root in empty_roots}
    return tuple(f"{root}: {what}" for root, what in found.items())


def _other_files(uris: Sequence[str], sources: Sequence[Source]) -> str:
    """Returns which files are in roots without photographs, by extension; empty if there are none."""
    ignored = Counter[str]()
    for source in sources:
        if source.uri in uris:
            deque(list_images(source, ignored), maxlen=0)
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in ignored.most_common())
    archives = "; unpack archives first, or name one of them as zip:// or tar://" if ignored.keys() & _ARCHIVES else ""
    return f", only other files ({kinds}); JPEG, PNG, WebP and TIFF are read{archives}" if kinds else ""
