"""`melanoma train`: trains a network on labelled photographs and writes a bundle with its card."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.console import logs
from jobs.console.data_flags import prepare
from jobs.training.checks import check, clear_backend_error, clear_disk_error, read_terms, set_aside
from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions

if TYPE_CHECKING:
    from melanoma.model.bundle import Bundle
    from melanoma.training.release.candidate import ReleaseCandidate
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
    with clear_backend_error(), logs.native_silence():
        from melanoma.training.release import markdown_tables
        from melanoma.training.release.candidate import make_candidate
        from melanoma.training.release.training_run import TrainingRun

    job = _job(options)
    training = TrainingRun(job, Path(options.output), 1 if sys.stdout.isatty() else 2, _print_progress)
    with clear_disk_error(options.output):
        trained = training.train(resume=options.resume)
    _continue_with_tensorflow()
    print("calibrating and choosing thresholds on the validation part, then evaluating once on the test part")
    candidate = make_candidate(job, trained)
    bundle = _write(options, job, candidate, terms)
    assessment = candidate.assessment
    sections = markdown_tables.evaluation_sections(assessment.report, assessment.gap)
    print("", *sections, f"{options.output}: {bundle.model_id}", sep="\n\n")
    return 0


def _job(options: TrainOptions) -> "TrainingJob":
    """Checks and reads everything that the training needs."""
    from melanoma.training.fitting import preparation
    from melanoma.training.fitting.recipes import recipe_for
    from melanoma.training.fitting.warm_start import read_warm_start
    from melanoma.training.networks import registry
    from melanoma.training.release.training_job import TrainingJob

    recipe = options.recipe(recipe_for(options.network))
    registry.check_buildable([options.network, *recipe.teachers])
    subgroups = _subgroups(options)
    prepared = prepare(options)
    warnings = preparation.warnings(prepared)
    print(*(f"note: {warning}" for warning in warnings), sep="\n", end="\n" * bool(warnings))
    return TrainingJob(
        network=options.network,
        recipe=recipe,
        prepared=prepared,
        seed=options.seed,
        rule=options.rule,
        max_referral_rate=options.review_share,
        subgroups=subgroups,
        warm_start=read_warm_start(options.start_from, prepared.dataset) if options.start_from else None,
        precision=options.precision,
        processes=options.processes,
    )


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


def _print_progress(progress: "Progress") -> None:
    """Prints the metrics of the last epoch and the remaining time."""
    last, done = progress.history[-1], len(progress.history)
    print(
        f"{progress.role and progress.role + ', '}epoch {done} of {progress.total_epochs}: "
        f"{last['size']:.0f} pixels, loss {last['loss']:.3f}, validation loss {last['val_loss']:.3f}, "
        f"balanced accuracy {last['val_accuracy']:.3f}; {_time_left(progress.total_epochs - done, last['seconds'])}",
        flush=True,
    )


def _time_left(epochs: int, seconds: float) -> str:
    """Returns the remaining time if each epoch takes as long as the last one; later epochs may take longer."""
    if not epochs:
        return "trained"
    minutes = epochs * seconds / 60
    return f"at least {minutes:.0f} minutes left" if minutes >= 1 else "less than a minute left"


def _subgroups(options: TrainOptions) -> dict[str, dict[str, str]]:
    """Reads the columns of --by: values by column and image_id."""
    from melanoma.datasets.label_tables import is_table
    from melanoma.training.release.subgroups import read_subgroups

    if not (options.by and options.id_column and options.label_column):
        return {}
    tables = [uri for uri in options.data if is_table(uri)] + ([options.reference] if options.reference else [])
    return read_subgroups(tables, options.id_column, options.label_column, options.by.split(","))
