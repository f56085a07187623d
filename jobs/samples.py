"""`melanoma samples`: drawn pictures to try the job on."""

import argparse
import functools
import sys
from pathlib import Path

from tqdm import tqdm

from jobs.console.exit_codes import OK
from melanoma.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="new or empty local folder for the samples")
    number = functools.partial(parser.add_argument, type=int, metavar="N")
    number("--count", default=200, help="files in all (default: %(default)s)")
    number("--broken", default=5, help="how many of them are broken (default: %(default)s)")
    number("--seed", default=0, help="another seed, other pictures (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Writes the samples and says where they lie and what they are.

    Returns:
        The exit code.

    Raises:
        UsageError: A number is out of range, or the folder is not one to write samples into.
    """
    from melanoma.samples.folder import write_samples

    if "://" in args.folder:
        raise UsageError(f"{args.folder} is an address; samples go to a local folder: name one, copy them on")
    folder = Path(args.folder).expanduser()
    with tqdm(total=args.count, unit="image", desc="drawn", disable=not sys.stderr.isatty()) as bar:
        try:
            paths = write_samples(folder, args.count, args.broken, args.seed, lambda path: bar.update())
        except OSError as error:
            raise UsageError(
                f"{folder} cannot be written ({error.strerror}); name a folder that can, on a disk with space"
            ) from error
    print(f"{len(paths):,} sample files in {folder.resolve()}, {args.broken} of them broken on purpose.")
    print("They are drawn by a program; they depict no disease and prove nothing about accuracy.")
    return OK
