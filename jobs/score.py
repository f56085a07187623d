"""`melanoma score`: the nightly job."""

import argparse
import sys
from collections.abc import Sequence

from jobs.console import sigterm
from jobs.nightly.flags import add_nightly_arguments, add_scoring_arguments
from jobs.nightly.options import NightlyOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; words after `--` are for Beam."""
    add_scoring_arguments(parser)
    add_nightly_arguments(parser)
    parser.epilog = f"Options for Beam follow --, for example: -- --runner=FlinkRunner. {parser.epilog}"


def run(args: argparse.Namespace, beam_options: Sequence[str] = ()) -> int:
    """Scores the new photographs, or counts them for `--dry-run`.

    Args:
        args: Parsed flags.
        beam_options: Words for Beam.

    Returns:
        The exit code.

    Raises:
        MelanomaError: The run ended early.
    """
    options = NightlyOptions.from_command_line(args, beam_options)
    with sigterm.terminable():
        from jobs.nightly import execution  # loads pyarrow and Delta Lake, which the help does not need

        return execution.execute(options)


if __name__ == "__main__":
    from jobs.cli import start

    start(["score", *sys.argv[1:]])
