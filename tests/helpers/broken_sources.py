"""Sources whose listing raises an error of a chosen class, in whatever process a runner lists them."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from melanoma import errors
from melanoma.errors import ErrorKind, PhotographError
from melanoma.ingest.roots import Root


def error_named(name: str, message: str) -> Exception:
    """Makes an error of one of our classes, or a fault of the program that quotes one of them."""
    kind = getattr(errors, name, None)
    if kind is None:
        return ZeroDivisionError(f"melanoma.errors.UsageError: {message}")
    return kind(ErrorKind.TIMEOUT, message) if issubclass(kind, PhotographError) else kind(message)


class BrokenRoot(Root):
    """A root that raises as soon as somebody asks where it lies.

    `pattern` names the class, `base` is the message; the number of the process is added to it.
    """

    def __getattribute__(self, name: str) -> Any:
        if name == "uri":
            raise error_named(self.pattern or "", f"{self.base} (process {os.getpid()})")
        return super().__getattribute__(name)


class SabotagingRoot(Root):
    """A root whose listing replaces the folder `base` by a file, so that nothing can be written below it any more."""

    def __getattribute__(self, name: str) -> Any:
        if name == "uri":
            folder = Path(super().__getattribute__("base"))
            shutil.rmtree(folder, ignore_errors=True)
            folder.write_text("in the way")
        return None if name == "base" else super().__getattribute__(name)


class DeadlyRoot(Root):
    """A root whose listing kills the process that lists it, unless that is the process `base`."""

    def __getattribute__(self, name: str) -> Any:
        if name == "uri" and str(os.getpid()) != super().__getattribute__("base"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)
