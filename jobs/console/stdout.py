"""Standard output, for text and for bytes; a process continues when its reader is gone, as after `| head`."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Protocol

from melanoma.terminal import printable


class _PatientOutput(io.TextIOWrapper):
    """Discards text once the reader is gone; every other error, such as a full disk, is raised as usual."""

    def write(self, text: str) -> int:
        """Writes the text, or discards it if the reader is gone; returns its length."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._discard()
            return len(text)

    def flush(self) -> None:
        """Flushes the buffer, or discards it if the reader is gone."""
        try:
            super().flush()
        except BrokenPipeError:
            self._discard()

    def _discard(self) -> None:
        _discard(self.fileno())


def outlive_reader() -> None:
    """Replaces `sys.stdout`, so that the process outlives the reader of its output."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        encoding, by_line, through = out.encoding, out.line_buffering, out.write_through
        errors = "backslashreplace" if out.errors == "strict" else out.errors  # a locale may lack a character
        sys.stdout = _PatientOutput(out.detach(), encoding, errors, line_buffering=by_line, write_through=through)


class ByteSink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Writes bytes and returns their number."""


@contextlib.contextmanager
def binary_output(printable_only: bool = False) -> Iterator[ByteSink]:
    """Lends standard output for bytes; the block ends early and without an error once the reader is gone.

    Args:
        printable_only: Whether the bytes are UTF-8 text for a terminal, which must not see control characters.
    """
    sys.stdout.flush()
    try:
        yield _Terminal() if printable_only else sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _discard(sys.stdout.fileno())


class _Terminal:
    """Replaces control characters in UTF-8 text on its way to a terminal; every write is whole characters."""

    def write(self, data: bytes, /) -> int:
        """Writes the text."""
        return sys.stdout.buffer.write(printable(data.decode(), keep="\r\n").encode())


def _discard(descriptor: int) -> None:
    """Lets what is written to a file descriptor from now on disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
