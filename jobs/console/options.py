"""The frozen dataclasses that commands turn their arguments into."""

import argparse
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Options:
    """Base of every command's options; each field has the name of its flag, with underscores for dashes."""

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> Self:
        """Returns the parsed options; repeatable flags become tuples, empty if they are absent.

        Raises:
            AttributeError: A field has no flag of its name.
        """
        values = {field.name: getattr(args, field.name) for field in fields(cls)}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@dataclass(frozen=True)
class Action(Options):
    """Base of the options of one action, for commands that have several, such as `melanoma table vacuum`."""

    def run(self) -> None:
        """Runs the action and prints what it did.

        Raises:
            MelanomaError: It cannot be done.
        """
        raise NotImplementedError
