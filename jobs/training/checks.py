"""Checks of `melanoma train` before it reads a photograph, so that a mistake does not cost hours of training."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs.console.data_flags import columns_of, sources_of
from jobs.console.targets import check_folders
from jobs.training.options import TrainOptions
from melanoma.errors import NothingCommittedError, UsageError

_TEXT_FILES = (".txt", ".md", ".html", ".pdf", ".rst")
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def check(options: TrainOptions) -> None:
    """Checks options and output folder.

    Raises:
        UsageError: An option is out of range, or options contradict each other.
        BundleError: The folder holds other files.
    """
    if "://" in options.output:
        raise UsageError(
            f"{options.output}: training needs a local folder for its checkpoints; copy the bundle afterwards"
        )
    check_folders(options.output)
    _check_folder(options)
    _check_shares(options)
    rate = options.learning_rate
    if rate is not None and not 0 < rate <= 1:
        raise UsageError(f"--learning-rate {rate}: must be above 0 and at most 1, for example 0.0005")
    if not options.teacher and (options.distill_weight, options.teacher_epochs) != (None, None):
        raise UsageError("--distill-weight and --teacher-epochs need --teacher")
    if options.tensorboard:
        _check_log_folder(options.tensorboard, options)
    if options.by and columns_of(options, "--data") is None:
        raise UsageError("--by needs a CSV or Parquet table in --data or --reference")
    sources_of(options)
    _check_external(options)


def _check_external(options: TrainOptions) -> None:
    from melanoma.datasets.label_tables import is_table

    options.external_columns()
    if any(map(is_table, options.external)) != bool(options.external_root):
        raise UsageError("--external-root goes with a CSV or Parquet table in --external; give both or neither")


def _check_shares(options: TrainOptions) -> None:
    below_one = {"review-share": options.review_share, "label-smoothing": options.label_smoothing}
    up_to_one = {"balance": options.balance, "mixup": options.mixup, "distill-weight": options.distill_weight}
    for name, value in {**below_one, **up_to_one}.items():
        if value is not None and not (0 <= value < 1 or (value == 1 and name in up_to_one)):
            limits = "at least 0 and below 1" if name in below_one else "from 0 to 1"
            raise UsageError(f"--{name} {value}: must be {limits}, for example 0.1")


def _check_folder(options: TrainOptions) -> None:
    from melanoma.model.bundle import check_free
    from melanoma.training.fitting.checkpoints import WORK_FILES, checkpoint_names

    folder, names = Path(options.output), checkpoint_names(len(options.teacher))
    _restore([folder / name for name in names])
    check_free(options.output, allowed=(*WORK_FILES, *names))
    has_begun = any((folder / name).exists() for name in names)
    if has_begun and not options.resume:
        raise UsageError(f"{folder}: holds an unfinished training; give --resume, or choose another folder")
    if options.resume and not has_begun:
        raise UsageError(f"{folder}: there is nothing to --resume; check --output, or train without --resume")
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: {nearest} is not a writable folder; choose another one")


def log_folder(folder: str, output: str) -> Path:
    """Returns where the log of a training is, below the folder of --tensorboard: named after its bundle."""
    return Path(folder) / Path(output).absolute().name


def _check_log_folder(folder: str, options: TrainOptions) -> None:
    if "://" in folder:
        raise UsageError(f"--tensorboard {folder}: must be a local folder; copy the log afterwards")
    check_folders(folder)
    log = log_folder(folder, options.output)
    if Path(options.output).absolute() in (log.absolute(), *log.absolute().parents):
        raise UsageError(f"--tensorboard {folder}: is in the folder of the bundle; choose another one")
    if not options.resume and any(log.rglob("*tfevents*")):
        raise UsageError(f"--tensorboard {folder}: {log} has the log of another training; delete it, or choose another")


def _restore(checkpoints: Sequence[Path]) -> None:
    """Restores the checkpoints that a training had set aside when it was killed while writing its bundle."""
    from melanoma.model.description import DESCRIPTION

    for path in checkpoints:
        if not path.with_name(DESCRIPTION).exists() and _aside(path).exists() and not path.exists():
            _aside(path).rename(path)


def read_terms(given: str) -> str:
    """Returns the terms of the data, read from a file or given as text.

    Raises:
        UsageError: They are empty, or the file cannot be read.
    """
    file = Path(given)
    try:
        is_file = len(given) < 256 and file.exists()
        is_path = not any(map(str.isspace, given)) and (file.suffix.lower() in _TEXT_FILES or os.sep in given)
        terms = file.read_text(encoding="utf-8") if is_file or is_path else given
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"--data-licence {given}: {reason}; give a text file, or the terms themselves") from error
    if not terms.strip():
        raise UsageError("--data-licence is empty; give the terms of the data, for example 'CC BY-NC 4.0'")
    return terms.strip()


@contextmanager
def set_aside(checkpoints: Sequence[Path]) -> Iterator[None]:
    """Moves checkpoints out of the bundle's folder; deletes them if the block succeeds, else restores them."""
    existing = [path for path in checkpoints if path.exists()]
    for path in existing:
        path.rename(_aside(path))
    try:
        yield
    except BaseException:
        for path in existing:
            _aside(path).rename(path)
        raise
    for path in existing:
        _aside(path).unlink()


def _aside(checkpoint: Path) -> Path:
    return checkpoint.parent.parent / f".{checkpoint.parent.name}-{checkpoint.name}"


@contextmanager
def clear_disk_error(folder: str) -> Iterator[None]:
    """Turns errors of a full or failing disk into one that says how to continue.

    Raises:
        NothingCommittedError: The disk is full, read-only or failing.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise NothingCommittedError(f"{folder}: {error.strerror}; fix that, then continue with --resume") from error


@contextmanager
def clear_backend_error() -> Iterator[None]:
    """Turns errors while loading a Keras backend into one that names it.

    Raises:
        UsageError: The backend that KERAS_BACKEND names cannot be loaded.
    """
    try:
        yield
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend == "tensorflow":
            raise
        raise UsageError(f"KERAS_BACKEND={backend}: Keras cannot load it ({error}); install it, or unset it") from error
