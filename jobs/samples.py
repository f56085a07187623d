"""`melanoma samples`: synthetic photographs to try the program on."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from jobs.console.exit_codes import OK
from jobs.console.options import Options
from jobs.console.targets import check_folders
from jobs.console.wording import counted
from melanoma.errors import UsageError


@dataclass(frozen=True)
class SamplesOptions(Options):
    """Arguments of `melanoma samples`.

    Attributes:
        folder: Local folder to write into.
        count: Number of files, at least 1.
        broken: Number of broken files among them.
        seed: Random seed, 0 or more.
    """

    folder: str
    count: int
    broken: int
    seed: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add = parser.add_argument
    add("folder", metavar="FOLDER", help="new or empty local folder for the samples")
    add("--count", type=int, default=200, metavar="N", help="number of files (default: %(default)s)")
    add("--broken", type=int, default=5, metavar="N", help="number of broken files among them (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="random seed of the pictures (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Writes the samples and says where and what they are.

    Returns:
        The exit code.

    Raises:
        UsageError: A number is out of range, or the folder cannot be used.
    """
    from melanoma.samples.folder import write_samples

    options = SamplesOptions.from_args(args)
    if "://" in options.folder:
        raise UsageError(f"{options.folder} is not a local folder; choose one, and copy the samples from there")
    check_folders(options.folder)
    folder = Path(options.folder).expanduser()
    with tqdm(total=options.count, unit="image", desc="written", disable=not sys.stderr.isatty()) as bar:
        try:
            paths = write_samples(folder, options.count, options.broken, options.seed, lambda path: bar.update())
        except OSError as error:
            raise UsageError(
                f"{folder} cannot be written ({error.strerror}); choose a writable folder on a disk with free space"
            ) from error
    print(f"{counted(len(paths), 'sample file')} in {folder.resolve()}, {options.broken} of them broken on purpose.")
    print("They are drawn by a program; they depict no disease and prove nothing about accuracy.")
    return OK
