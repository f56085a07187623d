"""`melanoma train`: trains a network on labelled photographs and writes a bundle with its card."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.console import logs
from jobs.console.data_flags import prepare
from jobs.training import summary
from jobs.training.checks import check, clear_backend_error, clear_disk_error, log_folder, read_terms, set_aside
from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions
from jobs.training.progress import ProgressPrinter
from melanoma.errors import UsageError
from melanoma.machine import share_threads

if TYPE_CHECKING:
    from melanoma.model.bundle import Bundle
    from melanoma.training.fitting.preparation import Prepared
    from melanoma.training.release.candidate import ReleaseCandidate
    from melanoma.training.release.external_photographs import ExternalSet
    from melanoma.training.release.training_job import TrainingJob
    from melanoma.training.release.training_run import Progress

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Trains, evaluates once on the test part and writes the bundle.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: The arguments or the data are not usable.
    """
    options = TrainOptions.from_args(args)
    check(options)
    terms = read_terms(options.data_licence)
    share_threads()
    with clear_backend_error(), logs.native_silence():
        from melanoma.training.release.candidate import make_candidate
        from melanoma.training.release.training_run import TrainingRun

    job = _job(options)
    printer = ProgressPrinter(quiet=options.quiet)
    on_step = printer.on_step if printer.has_bar else None
    training = TrainingRun(job, Path(options.output), _on_epoch(options, printer), on_step)
    with clear_disk_error(options.output), closing(printer):
        trained = training.train(resume=options.resume)
    _continue_with_tensorflow()
    print("calibrating and choosing thresholds on the validation part, then evaluating once on the test part")
    candidate = make_candidate(job, trained)
    bundle = _write(options, job, candidate, terms)
    print("", summary.results(candidate.assessment), "", summary.next_steps(options, bundle.model_id), sep="\n")
    return 0


def _on_epoch(options: TrainOptions, printer: ProgressPrinter) -> "Callable[[Progress], object]":
    """Returns the function that is called after every epoch."""
    if not options.tensorboard:
        return printer.on_epoch
    with logs.native_silence():
        from melanoma.training.fitting.tensorboard_log import TensorBoardLogs

    boards = TensorBoardLogs(log_folder(options.tensorboard, options.output))

    def on_epoch(progress: "Progress") -> None:
        boards.write(progress.teacher, progress.history)
        printer.on_epoch(progress)

    return on_epoch


def _job(options: TrainOptions) -> "TrainingJob":
    """Checks and reads everything that the training needs."""
    from melanoma.training.fitting import preparation
    from melanoma.training.fitting.recipes import recipe_for
    from melanoma.training.fitting.warm_start import read_warm_start
    from melanoma.training.networks import registry
    from melanoma.training.release.training_job import TrainingJob

    recipe = options.recipe(recipe_for(options.network))
    views = _views(options, recipe.size)
    registry.check_buildable([options.network, *recipe.teachers])
    subgroups = _subgroups(options)
    prepared = prepare(options, show_progress=not options.quiet)
    warnings = preparation.warnings(prepared)
    print(*(f"note: {warning}" for warning in warnings), sep="\n", end="\n" * bool(warnings))
    return TrainingJob(
        network=options.network,
        recipe=recipe,
        prepared=prepared,
        seed=options.seed,
        views=views,
        rule=options.rule,
        max_referral_rate=options.review_share,
        subgroups=subgroups,
        warm_start=read_warm_start(options.start_from, prepared.dataset) if options.start_from else None,
        precision=options.precision,
        processes=options.processes,
        external=_external(options, prepared),
    )


def _views(options: TrainOptions, size: tuple[int, int]) -> int:
    from melanoma.model.view_counts import view_fault

    views = options.views or 1
    if fault := view_fault(views, *size):
        raise UsageError(f"--views {views}: {fault}")
    return views


def _external(options: TrainOptions, prepared: "Prepared") -> "list[ExternalSet]":
    """Reads the photographs of other hospitals before the training begins, and says what is left of them."""
    from melanoma.training.release.external_photographs import ExternalFiles, read_external_sets

    if not options.external:
        return []
    files = ExternalFiles(options.external, options.external_root, options.external_columns())
    found = read_external_sets(files, prepared.dataset)
    for one in found:
        left_out = one.data["photographs_trained_on"]
        print(f"external: {one.source}, {one.data['judged']} photographs, {left_out} left out as part of the data set")
    return found


def _write(options: TrainOptions, job: "TrainingJob", candidate: "ReleaseCandidate", terms: str) -> "Bundle":
    from melanoma.training.fitting import preparation
    from melanoma.training.fitting.checkpoints import checkpoint_names
    from melanoma.training.release.shipping import CardText, write_release

    folder = Path(options.output)
    text = CardText(
        name=options.name or folder.name,
        data=options.data_description or f"Photographs of {', '.join(options.data)}.",
        licence=terms,
        command=options.resolved(job.recipe).command(),
        limits=[*preparation.warnings(job.prepared), *options.limitation],
    )
    checkpoints = [folder / name for name in checkpoint_names(len(job.recipe.teachers))]
    with clear_disk_error(options.output), set_aside(checkpoints):
        return write_release(options.output, job, text, candidate)


def _continue_with_tensorflow() -> None:
    """If another backend has trained, restarts the command under TensorFlow, with which nightly runs score."""
    from melanoma.training.networks.registry import BACKEND

    if BACKEND != "tensorflow":
        print(f"trained with {BACKEND}; continuing with tensorflow, as nightly runs do", flush=True)
        arguments = sys.argv[1:] + ["--resume"] * ("--resume" not in sys.argv)
        command = [sys.executable, "-m", "jobs.cli", *arguments]
        os.execve(sys.executable, command, os.environ | {"KERAS_BACKEND": "tensorflow"})  # noqa: S606 - our own arguments


def _subgroups(options: TrainOptions) -> dict[str, dict[str, str]]:
    """Reads the columns of --by: values by column and image_id."""
    from melanoma.datasets.label_tables import is_table
    from melanoma.training.release.subgroups import read_subgroups

    if not options.by:
        return {}
    tables = [uri for uri in options.data if is_table(uri)] + ([options.reference] if options.reference else [])
    return read_subgroups(tables, options.id_column, options.label_column, options.by.split(","))
