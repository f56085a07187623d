"""What `melanoma train` checks before it reads a photograph, so that hours of training are not lost to a slip."""

import argparse
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs.console.data_flags import DataOptions, sources_of
from melanoma.errors import NothingCommittedError, UsageError

_TEXT_FILES = (".txt", ".md", ".html", ".pdf", ".rst")


def check(args: argparse.Namespace) -> None:
    """Checks flags and output folder.

    Raises:
        UsageError: Something of it cannot work.
        BundleError: Something else lies in the folder.
    """
    if "://" in args.output:
        raise UsageError(f"{args.output}: training writes its log as it goes; give a local folder and copy it later")
    _check_folder(args)
    shares = {"review-share": args.review_share, "label-smoothing": args.label_smoothing}
    for name, value in {**shares, "balance": args.balance, "mixup": args.mixup, "teaching": args.teaching}.items():
        if not 0 <= (value or 0) <= 1 or (name in shares and value == 1):
            raise UsageError(f"--{name} {value}: give a share from 0 to {'below 1' if name in shares else '1'}")
    if args.learning_rate is not None and not 0 < args.learning_rate <= 1:
        raise UsageError(f"--learning-rate {args.learning_rate}: give a number above 0 and up to 1, such as 0.0005")
    if not args.taught_by and (args.teaching, args.teacher_epochs) != (None, None):
        raise UsageError("--teaching and --teacher-epochs go with --taught-by")
    if args.by and not args.id_column:
        raise UsageError("--by goes with a CSV or Parquet table in --data or --reference")
    sources_of(DataOptions.from_args(args))


def _check_folder(args: argparse.Namespace) -> None:
    from melanoma.model.bundle import check_free
    from melanoma.model.description import DESCRIPTION
    from melanoma.training.fitting.checkpoints import WHILE_TRAINING, checkpoint_names

    folder, names = Path(args.output), checkpoint_names(len(args.taught_by or ()))
    if not (folder / DESCRIPTION).exists():  # a training that was killed while it wrote its bundle
        for name in names:
            if _aside(folder / name).exists() and not (folder / name).exists():
                _aside(folder / name).rename(folder / name)
    check_free(args.output, allowed=(*WHILE_TRAINING, *names))
    is_begun = any((folder / name).exists() for name in names)
    if is_begun != args.resume:
        found = "an unfinished training lies there; give --resume" if is_begun else "nothing lies there to --resume"
        raise UsageError(f"{args.output}: {found}, or choose another folder")
    _check_writable(folder)


def _check_writable(folder: Path) -> None:
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: {nearest} is no folder that may be written to; choose another one")


def terms_of(given: str) -> str:
    """Reads the terms of the data from a file, or takes them as they are given.

    Raises:
        UsageError: There are none, or the file cannot be read.
    """
    file = Path(given)
    try:
        is_file = len(given) < 256 and file.exists()
        is_path = not any(map(str.isspace, given)) and (file.suffix.lower() in _TEXT_FILES or os.sep in given)
        terms = file.read_text(encoding="utf-8") if is_file or is_path else given
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"--data-licence {given}: {why}; give a text file, or the terms themselves") from error
    if not terms.strip():
        raise UsageError("--data-licence is empty; say under which terms the data is, such as 'CC BY-NC 4.0'")
    return terms.strip()


@contextmanager
def set_aside(checkpoints: Sequence[Path]) -> Iterator[None]:
    """Takes checkpoints out of the bundle's folder, for good if nothing goes wrong."""
    there = [path for path in checkpoints if path.exists()]
    for path in there:
        path.rename(_aside(path))
    try:
        yield
    except BaseException:
        for path in there:
            _aside(path).rename(path)
        raise
    for path in there:
        _aside(path).unlink()


def _aside(checkpoint: Path) -> Path:
    return checkpoint.parent.parent / f".{checkpoint.parent.name}-{checkpoint.name}"


@contextmanager
def naming_a_full_disk(folder: str) -> Iterator[None]:
    """Says so if it is the disk that ends a training.

    Raises:
        NothingCommittedError: It is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        raise NothingCommittedError(f"{folder}: {error.strerror}; mend it, then go on with --resume") from error


@contextmanager
def naming_the_backend() -> Iterator[None]:
    """Says so if it is Keras's backend that cannot be loaded.

    Raises:
        UsageError: It cannot.
    """
    try:
        yield
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend == "tensorflow":
            raise
        raise UsageError(f"KERAS_BACKEND={backend}: Keras cannot load it ({error}); install it, or unset it") from error
