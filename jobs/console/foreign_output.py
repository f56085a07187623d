"""Turns what libraries and other processes write to standard error into JSON lines, past Python as well."""

import contextlib
import io
import os
import threading
from typing import TextIO

from jobs.console import lines

_END_SECONDS = 2.0
_forwarding: threading.Thread | None = None


def wrap() -> TextIO:
    """Replaces file descriptor 2 by a pipe whose lines become JSON; returns the stream for our own lines.

    Worker processes and native libraries inherit the pipe.
    """
    global _forwarding
    own = io.TextIOWrapper(os.fdopen(os.dup(2), "wb"), "utf-8", line_buffering=True)
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(write)
    _forwarding = threading.Thread(target=_forward, args=(read, own), daemon=True, name="foreign-output")
    _forwarding.start()
    return own


def finish() -> None:
    """Closes the pipe and waits for what is in it, at the end of the process."""
    if _forwarding is not None:
        os.close(2)
        _forwarding.join(_END_SECONDS)  # another process may hold the pipe open


def _forward(read: int, own: TextIO) -> None:
    with open(read, encoding="utf-8", errors="replace") as foreign, contextlib.suppress(OSError):
        for line in foreign:
            if line.strip():
                own.write(_json_of(line.rstrip()) + "\n")


def _json_of(line: str) -> str:
    is_ours = line.startswith('{"time": ') and line.endswith("}")  # a worker process writes its own
    return line if is_ours else lines.as_json(lines.INFO, line)
