"""`melanoma score`: the nightly job."""

import argparse
import sys
from collections.abc import Sequence

from jobs.console import lines, logs, output_modes, sigterm
from jobs.nightly import early_flags
from jobs.nightly.flags import add_nightly_arguments, add_scoring_arguments
from jobs.nightly.options import NightlyOptions
from melanoma.errors import MelanomaError
from melanoma.imports import without_collections
from melanoma.process_limits import check_limits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; words after `--` are for Beam."""
    add_scoring_arguments(parser)
    add_nightly_arguments(parser)
    parser.epilog = f"Options for Beam follow --, for example: -- --runner=FlinkRunner. {parser.epilog}"


def set_up_lines(words: Sequence[str]) -> None:
    """Sets how lines are written before the words are parsed: what is wrong with them is a line already.

    Args:
        words: Words after the command's name.
    """
    flags = early_flags.read(words)
    lines.use(is_quiet=flags.is_quiet)
    if flags.is_json:
        logs.as_json()


def tell_refusal(words: Sequence[str], error: MelanomaError) -> None:
    """Tells whoever should hear of a nightly run that its command line or settings file was refused.

    Args:
        words: Words after the command's name.
        error: What is wrong with them.
    """
    flags = early_flags.read(words)
    if not flags.is_dry_run:
        from jobs.nightly import early_end  # loads pyarrow and Delta Lake

        early_end.tell_refusal(error, flags.destination)


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
    if options.verbose:
        logs.verbose()
    with sigterm.terminable():
        sigterm.hold()
        check_limits()
        with without_collections():
            from jobs.nightly import execution  # loads pyarrow and Delta Lake, which the help does not need

        with output_modes.writing(options.output_mode):
            return execution.execute(options)


if __name__ == "__main__":
    from jobs.cli import start

    start(["score", *sys.argv[1:]])
