"""The `melanoma` command: one sub-command a module, loaded when it is called."""

import argparse
import contextlib
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from jobs.console import config_file, logs, stdout
from jobs.console.exit_codes import DEFECT, INTERRUPTED, NOTHING_COMMITTED, exit_code_of
from jobs.console.sigterm import Terminated
from melanoma import __version__
from melanoma.errors import MelanomaError, ReadError, UsageError
from melanoma.terminal import printable

COMMANDS = {
    "score": "score photographs and append them to the score table",
    "query": "ask the score table in SQL",
    "table": "history, promotion, compaction, clean-up and forgetting of the score table",
    "explain": "tell all that is known of one photograph, and what the next night will do with it",
    "doctor": "check whether a night would run, and how long it would take",
    "evaluate": "judge a model in the score table by labels",
    "compare": "compare two models, runs or runners on the same photographs",
    "train": "train a network and write it as a bundle",
    "augment": "show or write augmented photographs of the training part",
    "bundle": "inspect, verify or import a model bundle",
    "audit": "find copies, near duplicates, contradictory labels and leaks in labelled data",
    "samples": "draw sample photographs to try the job on",
}
_STOPPED = {
    "score": "stopped; what is scored stays staged, and the next start goes on from there",
    "train": "stopped; the same command with --resume goes on after the last whole epoch",
}
_EPILOG = "Nothing here diagnoses anybody. Exit codes: docs/use/operations.md."


class _Parser(argparse.ArgumentParser):
    """Complains in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: Words after the program's name; None for those of the process. What follows `--` goes to Beam.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    own, beam_options = _split(words)
    logs.quiet()
    try:
        args, beam_options = _parse(own, beam_options)
        if beam_options and args.command != "score":
            raise UsageError(f"-- passes options to Beam, which melanoma {args.command} does not use")
        args.beam_options = beam_options
        return int(args.run(args))
    except MelanomaError as error:
        _complain(str(error))
        return exit_code_of(error)
    except ReadError as error:  # whoever knows more of it has said it in words of its own
        _complain(f"{error.detail}; start again")
        return NOTHING_COMMITTED
    except KeyboardInterrupt as stop:
        _complain(_STOPPED.get(own[0] if own else "", "stopped"))
        return NOTHING_COMMITTED if isinstance(stop, Terminated) else INTERRUPTED
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 - the last door: neither a defect nor a panic of Rust's may look like our code
        traceback.print_exc()
        _complain("this is a defect of ours, please report the lines above; nothing was committed")
        return DEFECT


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def _parse(words: list[str], beam_options: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser, commands = _parser(words)
    command = commands.choices.get(words[0]) if words else None
    if command is not None and config_file.FLAG in command._option_string_actions:
        # One file serves the night and its check-up.
        words, from_file = config_file.expand(words, beam_options, command, _flags_of("score"))
        beam_options = from_file if words[0] == "score" else beam_options
    return parser.parse_args(words), beam_options


def _flags_of(name: str) -> set[str]:
    parser = _Parser(add_help=False)
    importlib.import_module(f"jobs.{name}").add_arguments(parser)
    return set(parser._option_string_actions)


def _parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, Any]:
    parser = _Parser("melanoma", description="Batch scoring of lesion photographs.", epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose, epilog=_EPILOG, allow_abbrev=False)
        if name in words:
            module = importlib.import_module(f"jobs.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser, commands


def _complain(text: str) -> None:
    print("melanoma:", printable(text, keep="\n"), file=sys.stderr)


def start(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs one command as a process of its own, and ends it with the command's exit code.

    Arrow's threads may still be at work while the interpreter takes itself apart, which now and then aborts a process
    that has done all its work (apache/arrow, issue 34314): so it is not taken apart.
    """
    stdout.be_patient()
    code = main(argv)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads any more
            stream.flush()
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    start()
