"""Old names of flags: accepted for one more version, left out of the help, and named on the error stream when used."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any


def accept_old_names(parser: argparse.ArgumentParser, new_names: Mapping[str, str]) -> None:
    """Declares old names of flags that the parser already has.

    Args:
        parser: Of the command.
        new_names: The new name of each old name, both with their dashes.
    """
    for old, new in new_names.items():
        parser.add_argument(old, action=_OldName, renamed=parser._option_string_actions[new])


class _OldName(argparse.Action):
    """Does what the flag does under its new name, and prints that name."""

    def __init__(self, option_strings: list[str], dest: str, *, renamed: argparse.Action) -> None:
        super().__init__(
            option_strings,
            renamed.dest,
            nargs=renamed.nargs,
            choices=renamed.choices,
            default=argparse.SUPPRESS,
            metavar=renamed.metavar,
            help=argparse.SUPPRESS,
        )
        self.type, self._renamed = renamed.type, renamed

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        new = self._renamed.option_strings[-1]
        print(f"melanoma: {option_string} is now called {new}", file=sys.stderr)
        self._renamed(parser, namespace, values, new)
