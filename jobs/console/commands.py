"""Declares commands, and the actions of those that have several, in one form."""

import argparse
from typing import Any


def add_command(commands: Any, name: str, purpose: str, epilog: str | None) -> argparse.ArgumentParser:
    """Adds a command or an action, and returns its parser.

    Args:
        commands: The result of `add_subparsers`.
        name: Name of the command.
        purpose: A phrase in lower case without a full stop, for the list of commands; as a sentence it heads the
            command's own help.
        epilog: Text below the help.
    """
    description = f"{purpose[0].upper()}{purpose[1:]}."
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=purpose, description=description, epilog=epilog, allow_abbrev=False
    )
    return parser
