"""One night: everything is checked before anything is read, then the pipeline runs."""

import argparse
import contextlib
import gc
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jobs import logs
from melanoma import ledger, scores, storage
from melanoma.bundle import Bundle, load_bundle
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError, UsageError
from melanoma.inputs import Manifest, Root, Source, check_sources, distinct, kept_schema, list_images
from melanoma.ledger import State
from melanoma.runs import STOPPED, Counts, Run, RunRecord, new_run, read_record, write_record


@dataclass(frozen=True)
class NightPlan:
    """A checked night.

    Attributes:
        run: Who writes what where.
        bundle: The model.
        sources: What is listed.
        warnings: For the operator.
    """

    run: Run
    bundle: Bundle
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]


def prepare(args: argparse.Namespace) -> NightPlan:
    """Checks arguments, bundle, roots and output; nothing is written but a probe, and no photograph is read.

    Raises:
        UsageError: Something cannot work.
        BundleError: The bundle is not fit to score.
        NothingCommittedError: The output's store does not answer.
    """
    sources = _sources(args)
    if args.beam_options:
        from jobs.runners import options_of

        options_of(args.beam_options)
    bundle = load_bundle(args.bundle)
    empty = check_sources(sources)
    if not args.dry_run:
        storage.check_writable(args.output)
    version = scores.table_version(args.output)
    kept = kept_schema(sources)
    scores.check_types(args.output, kept)
    warnings = _about_empty(empty, args, version)
    run = new_run(args.output, bundle, kept, version, args.run_date)
    return NightPlan(run, bundle, sources, warnings)


def _sources(args: argparse.Namespace) -> tuple[Source, ...]:
    if bool(args.images) == bool(args.manifest):
        raise UsageError("say either --images URI (once or several times) or --manifest FILE")
    if args.manifest:
        if args.pattern:
            raise UsageError("--pattern goes with --images; a manifest names its photographs itself")
        return (Manifest(args.manifest, tuple(args.keep)),)
    if args.keep:
        raise UsageError("--keep goes with --manifest; roots have no columns")
    return tuple(Root(uri, args.pattern) for uri in args.images)


def _about_empty(empty: Sequence[str], args: argparse.Namespace, version: int | None) -> tuple[str, ...]:
    unknown = [root for root in empty if not (args.allow_empty or (version and scores.knows_under(args.output, root)))]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: no photograph there; check the path, say with --pattern what counts as one, "
            "or allow it with --allow-empty"
        )
    return tuple(f"{root}: no photograph there any more" for root in empty)


def rehearse(plan: NightPlan) -> Counts:
    """Lists and counts what a run would do, reading no photograph and writing nothing."""
    known = ledger.load_ledger(plan.run)
    refs = [ref for source in plan.sources for ref in list_images(source)]
    unique = distinct(refs)
    done = sum(verdict.state is State.DONE for verdict in known.look_up(unique))
    return Counts(listed=len(refs), scored=len(unique) - done, skipped=done, duplicates=len(refs) - len(unique))


def score(plan: NightPlan, args: argparse.Namespace) -> RunRecord:
    """Runs the pipeline and gives its record.

    Raises:
        NothingCommittedError: It ended without one.
    """
    gc.disable()  # what is imported now stays for good: to look through it again and again costs a second and more
    import apache_beam as beam

    from jobs.runners import options_of, runner_of, workers_of
    from pipelines.scoring import ModelRun, ScoreImages

    with logs.native_silence():
        import melanoma.engine  # noqa: F401 - the pipeline will load it, and TensorFlow greets at length

    gc.freeze()
    gc.enable()
    options = options_of(args.beam_options)
    workers = workers_of(options)
    # Several processes with as many threads each as there are cores slow each other down.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    transform = ScoreImages([ModelRun(plan.run, plan.bundle)], args.batch_size, args.chunk_size, args.limit, workers)
    try:
        with beam.Pipeline(runner=runner_of(options), options=options) as pipeline:
            _ = pipeline | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform
    except (RuntimeError, MelanomaError, PhotographError) as error:
        own = _as_own(error)
        if isinstance(own, NothingCommittedError):
            _record_stop(plan.run)
        raise own from error
    record = read_record(plan.run)
    if record is None:
        raise NothingCommittedError(
            "the runner said that it was done, but the commit never ran; choose another --runner"
        )
    return record


def _record_stop(run: Run) -> None:
    """Leaves the record of a night that ended early, if the store still takes one."""
    with contextlib.suppress(MelanomaError):
        if scores.has_committed(run.output, run.run_id) is None:
            write_record(run, RunRecord(run.run_id, run.run_date.isoformat(), run.model_id, STOPPED, Counts()))


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
