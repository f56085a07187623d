"""Declares commands, and the actions of those that have several, in one form."""

import argparse
import textwrap
from collections.abc import Mapping
from typing import Any

from jobs.console.examples import EXAMPLES

_SHORT = {"output": "-o", "quiet": "-q", "verbose": "-v"}


class _HelpFormatter(argparse.HelpFormatter):
    """Wraps the paragraphs of a text, but not those with indented lines; breaks no name at a hyphen."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        blocks = [
            block if "\n " in block else textwrap.fill(" ".join(block.split()), width) for block in text.split("\n\n")
        ]
        return textwrap.indent("\n\n".join(blocks), indent)


def add_command(commands: Any, name: str, purpose: str, epilog: str | None) -> argparse.ArgumentParser:
    """Adds a command or an action, and returns its parser.

    Args:
        commands: The result of `add_subparsers`.
        name: Name of the command.
        purpose: A phrase in lower case without a full stop, for the list of commands; as a sentence it heads the
            command's own help.
        epilog: Text below the help.

    Returns:
        Its parser, with its example in the help.
    """
    description = f"{purpose[0].upper()}{purpose[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=description,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=_HelpFormatter,
    )
    if example := EXAMPLES.get(parser.prog):
        parser.add_argument_group("example", example)
    return parser


def add_group(parser: argparse.ArgumentParser, title: str, flags: Mapping[str, Mapping[str, Any]]) -> None:
    """Declares flags under a heading of the help, see `add_flags`."""
    add_flags(parser.add_argument_group(title), flags)


def add_flags(container: "argparse._ActionsContainer", flags: Mapping[str, Mapping[str, Any]]) -> None:
    """Declares flags; `output`, `quiet` and `verbose` get their short form as well.

    Args:
        container: A parser, or a group of flags in its help.
        flags: Arguments of `add_argument`, by the flag's name without dashes.
    """
    for name, details in flags.items():
        container.add_argument(*filter(None, [_SHORT.get(name)]), f"--{name}", **details)
