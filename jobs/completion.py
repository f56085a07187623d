"""`melanoma completion`: a script that completes commands, actions, flags and choices in a shell."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.console.exit_codes import OK
from jobs.console.options import Options

_SHELLS = ("bash", "zsh", "fish")
_PLACES = (
    "Save what it prints as ~/.local/share/bash-completion/completions/melanoma for bash, as _melanoma in a folder of "
    "$fpath for zsh, or as ~/.config/fish/completions/melanoma.fish for fish, and open a new shell."
)
_FOLDERS = {"FOLDER", "TABLE", "BUNDLE", "DIR"}
_FILES = {"FILE", "URI", "SOURCE", "MODEL.keras", "FILE|TEXT"}


@dataclass(frozen=True)
class CompletionOptions(Options):
    """Arguments of `melanoma completion`.

    Attributes:
        shell: Whose script is printed.
    """

    shell: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the argument."""
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help="bash, zsh or fish")
    parser.epilog = f"{_PLACES} {parser.epilog}"


def run(args: argparse.Namespace) -> int:
    """Prints the script, which names every command of this version; returns the exit code."""
    import shtab  # starts no other command later

    from jobs.cli import whole_parser

    options = CompletionOptions.from_args(args)
    parser = whole_parser()
    for action in _all_actions(parser):
        if action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, options.shell))
    return OK


def _all_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yields every argument of a parser and of those below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _all_actions(below)
