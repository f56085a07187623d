"""Lines for the operator while a run goes on. A run does not end because nobody reads them any more."""

import contextlib
import sys
from collections.abc import Iterable

from melanoma.terminal import printable


def say(text: str) -> None:
    """Prints text on standard output at once."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def warn(warnings: Iterable[str]) -> None:
    """Prints each warning on its own line of standard error."""
    with contextlib.suppress(OSError):
        for warning in warnings:
            print(f"melanoma: warning: {printable(warning)}", file=sys.stderr, flush=True)
