"""The `melanoma` command: one module for each sub-command, imported only when that command is called."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from jobs.console import config_file, foreign_output, lines, logs, stdout, utf8
from jobs.console.commands import add_command
from jobs.console.exit_codes import DEFECT, INTERRUPTED, NOTHING_COMMITTED, WRONG_USAGE, exit_code_of
from jobs.console.extras import check_extra
from jobs.console.parsing import Parser
from jobs.console.sigterm import Terminated
from melanoma import __version__
from melanoma.errors import ErrorKind, MelanomaError, ReadError, UsageError
from melanoma.model import keras_settings

COMMANDS = {
    "score": "score photographs and append the results to the score table",
    "query": "query the score table with SQL",
    "table": "inspect and maintain the score table: history, models, promotion, deletion, clean-up, erasure",
    "explain": "show what is known about one photograph, or why each photograph of a folder is in the table or not",
    "doctor": "check whether a run would succeed, and forecast how long it would take",
    "evaluate": "evaluate a model in the score table against labels",
    "compare": "compare two models, runs or runners on the same photographs",
    "train": "train a network and write it as a model bundle",
    "augment": "preview augmented photographs of the training part, or write them as files",
    "bundle": "list, inspect, verify, convert, import or check model bundles",
    "audit": "find duplicates, contradictory labels and leaks in labelled data",
    "samples": "write synthetic sample photographs to try the program on",
    "completion": "print a script that completes commands and flags in a shell",
}
_TRAINING = ("train", "augment")  # may choose the backend of Keras
_NIGHTLY = "score"  # takes options for Beam, and tells of its errors
_STOPPED = {
    "train": "stopped; run the same command with --resume to continue after the last complete epoch",
}
_NO_DIAGNOSIS = "No result of this program is a diagnosis."
_EPILOG = f"{_NO_DIAGNOSIS} melanoma --help lists the exit codes."
_EXIT_CODES = (
    "Exit codes: 0 done; 1 done, but somebody has to look at the result; 2 usage, configuration or data is wrong, and "
    "has to be corrected before the next start; 3 nothing was committed, and another start may succeed; 70 a bug in "
    "this program; 130 stopped by Ctrl-C."
)


@dataclass(frozen=True)
class Invocation:
    """One parsed command line.

    Attributes:
        command: Name of the sub-command, one of `COMMANDS`.
        args: Arguments as parsed by the sub-command's own parser.
        beam_options: Words for Beam, from after `--` or from the file of `--config`; empty for all but `score`.
    """

    command: str
    args: argparse.Namespace
    beam_options: tuple[str, ...] = ()

    def run(self) -> int:
        """Runs the command and returns its exit code.

        Raises:
            UsageError: The command needs packages that are not installed.
        """
        check_extra(self.command, self.args)
        if self.command not in _TRAINING:
            keras_settings.ignore_environment()
        module = importlib.import_module(f"jobs.{self.command}")
        if self.command == _NIGHTLY:
            return int(module.run(self.args, self.beam_options))
        return int(module.run(self.args))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; every error becomes a message on the error stream.

    Args:
        argv: Words after the program's name; None for those of the process. Words after `--` go to Beam.

    Returns:
        The exit code, see `jobs.console.exit_codes`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    logs.quiet()
    lines.reset()
    try:
        return _parsed(words).run()
    except MelanomaError as error:
        lines.complain(str(error))
        return exit_code_of(error)
    except ReadError as error:  # a command that knows more about the file has already raised an error of its own
        if error.kind is ErrorKind.FORBIDDEN:
            from melanoma.storage.errors import with_advice

            lines.complain(with_advice(error))
            return WRONG_USAGE
        lines.complain(f"{error.detail}; try again")
        return NOTHING_COMMITTED
    except stdout.OutputError as error:
        return stdout.tell_incomplete(error)
    except KeyboardInterrupt as stop:
        lines.complain(str(stop) or _STOPPED.get(words[0] if words else "", "stopped"))
        return NOTHING_COMMITTED if isinstance(stop, Terminated) else INTERRUPTED
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 - a panic in a Rust library is no Exception, and must not exit like our errors
        lines.show_fault()
        lines.complain("this is a bug in melanoma; please report the lines above. Rows that a run has committed stay")
        return DEFECT


def _parsed(words: Sequence[str]) -> Invocation:
    """Parses a command line; a nightly run that is refused here is told like one that is refused later."""
    if words[:1] != [_NIGHTLY]:
        return parse(words)
    job = importlib.import_module(f"jobs.{_NIGHTLY}")
    job.set_up_lines(words[1:])
    try:
        return parse(words)
    except UsageError as error:
        job.tell_refusal(words[1:], error)
        raise


def parse(words: Sequence[str]) -> Invocation:
    """Returns the command line as data, with the settings of `--config` filled in; imports only that command.

    Raises:
        UsageError: The words are not a valid command line.
        SystemExit: `--help` or `--version` was printed, or the help because there was no command or no action.
    """
    line = _split_at_dashes(words)
    name = next((word for word in line.words if not word.startswith("-")), "")
    parser, command = _build_parser(name)
    if not words or (command is not None and list(words) == [name] and command._subparsers is not None):
        (command or parser).print_help(sys.stderr)  # a script that lost its words must not read as a success
        raise SystemExit(WRONG_USAGE)
    if command is not None and config_file.FLAG in command._option_string_actions:
        # score and doctor read the same file; doctor skips the flags that only score has, and Beam's options.
        expanded = config_file.expand(line, command, _flags_of(_NIGHTLY))
        line = expanded if name == _NIGHTLY else expanded._replace(beam_options=line.beam_options)
    args, unknown = parser.parse_known_args(line.words)
    if unknown:  # the command's own help lists what it takes, that of `melanoma` does not
        (command or parser).reject(unknown)
    if line.beam_options and name != _NIGHTLY:
        raise UsageError(f"options after -- are for Beam, which melanoma {name} does not use; leave them out")
    return Invocation(name, args, tuple(line.beam_options))


def start(argv: Sequence[str] | None = None) -> NoReturn:
    """Runs one command as the main program, and ends the process with the command's exit code.

    Skips the interpreter's shutdown: Arrow's threads may still be running then, which occasionally aborts a process
    that has done all its work (apache/arrow, issue 34314).
    """
    if argv is None:
        utf8.ensure()
    stdout.open_closed()
    stdout.outlive_reader()
    code = stdout.finish(main(argv), is_told_elsewhere=sys.argv[1:2] == [_NIGHTLY])
    logging.shutdown()
    foreign_output.finish()
    os._exit(code)


def _split_at_dashes(words: Sequence[str]) -> config_file.CommandLine:
    """Splits a command line at its first `--`, after which the words are for Beam."""
    place = words.index("--") if "--" in words else len(words)
    return config_file.CommandLine(list(words[:place]), list(words[place + 1 :]))


def _build_parser(name: str) -> tuple[Parser, Parser | None]:
    """Returns the parser of all commands, and the one of the named command, the only one with its flags declared."""
    epilog = f"{_NO_DIAGNOSIS} {_EXIT_CODES}"
    parser = Parser("melanoma", description="Batch scoring of lesion photographs.", epilog=epilog, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, purpose in COMMANDS.items():
        add_command(commands, command, purpose, _EPILOG)
    if (chosen := commands.choices.get(name)) is not None:
        importlib.import_module(f"jobs.{name}").add_arguments(chosen)
    return parser, chosen


def whole_parser() -> Parser:
    """Returns the parser of all commands with the flags of each declared; loads every command's module."""
    parser, _ = _build_parser("")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                importlib.import_module(f"jobs.{name}").add_arguments(command)
    return parser


def _flags_of(name: str) -> set[str]:
    parser = Parser(add_help=False)
    importlib.import_module(f"jobs.{name}").add_arguments(parser)
    return set(parser._option_string_actions)


if __name__ == "__main__":
    start()
