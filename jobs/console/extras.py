"""Which commands need an extra of the installation, checked in one place before any of them begins to work."""

import argparse

from melanoma.errors import UsageError
from melanoma.extras import install_command, missing_modules

# A command, an action, or an action with a flag; without the extra each of them can only print its help.
NEEDS = {
    "train": "train",
    "augment": "train",
    "audit": "train",
    "bundle check": "train",
    "bundle import --check": "train",
    "bundle convert": "train",
    "bundle recalibrate": "train",
    "bundle add-external --training-photographs": "train",
    "evaluate --training-photographs": "train",
}


def check_extra(command: str, args: argparse.Namespace) -> None:
    """Checks that the packages of a command's extra are installed.

    Args:
        command: Name of the command.
        args: Its parsed arguments.

    Raises:
        UsageError: They are not; the message has the line that installs them.
    """
    for use, extra in NEEDS.items():
        if _is_use(use.split(), command, args) and missing_modules(extra):
            raise UsageError(f"{use} needs packages that are not installed; run: {install_command(extra)}")


def _is_use(words: list[str], command: str, args: argparse.Namespace) -> bool:
    flags = [word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")]
    actions = words[1 : len(words) - len(flags)]
    return (
        words[0] == command
        and all(getattr(args, "action", "") == action for action in actions)
        and all(getattr(args, flag) for flag in flags)
    )
