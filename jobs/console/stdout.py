"""The standard streams, for text and for bytes; a process continues when its reader is gone, as after `| head`."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Protocol

from jobs.console import lines
from jobs.console.exit_codes import NOTHING_COMMITTED
from melanoma.terminal import printable

_OF_WRITING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class OutputError(OSError):
    """What should be printed is not complete; standard output takes nothing, for example because a disk is full."""


class _PatientOutput(io.TextIOWrapper):
    """Discards text once the reader is gone; every other error, such as a full disk, is an `OutputError`."""

    def write(self, text: str) -> int:
        """Writes the text, or discards it if the reader is gone; returns its length."""
        try:
            with _telling_faults():
                return super().write(text)
        except BrokenPipeError:
            self._discard()
            return len(text)

    def flush(self) -> None:
        """Flushes the buffer, or discards it if the reader is gone."""
        try:
            with _telling_faults():
                super().flush()
        except BrokenPipeError:
            self._discard()

    def _discard(self) -> None:
        _discard(self.fileno())


def open_closed() -> None:
    """Lets the standard streams that were closed, as by `>&-`, lead nowhere.

    Otherwise the next file that is opened would take the number of a closed one, and whatever a library or a child
    process prints would be written into that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: the one that was closed
            os.set_inheritable(descriptor, True)
            stream = open(descriptor, mode, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - for good
            setattr(sys, name, stream)


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
        with _telling_faults(_OF_WRITING):
            yield _Terminal() if printable_only else sys.stdout.buffer
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        _discard(sys.stdout.fileno())


class _Terminal:
    """Replaces control characters in UTF-8 text on its way to a terminal; every write is whole characters."""

    def write(self, data: bytes, /) -> int:
        """Writes the text."""
        return sys.stdout.buffer.write(printable(data.decode(), keep="\r\n").encode())


def finish(code: int, is_told_elsewhere: bool) -> int:
    """Flushes both streams.

    Args:
        code: Exit code of the command.
        is_told_elsewhere: Whether a report holds what was printed, so that its loss changes nothing.

    Returns:
        The exit code; another one if what the command has printed was lost.
    """
    try:
        sys.stdout.flush()
    except OutputError as error:
        code = code if code or is_told_elsewhere else tell_incomplete(error)
    with contextlib.suppress(OSError):  # the reader is gone
        sys.stderr.flush()
    return code


def tell_incomplete(error: OutputError) -> int:
    """Tells that not everything could be printed; returns the exit code."""
    lines.complain(f"{error.strerror}, so what was printed is not complete; free some space there and start again")
    return NOTHING_COMMITTED


@contextlib.contextmanager
def _telling_faults(errors: frozenset[int] | None = None) -> Iterator[None]:
    """Turns an error of writing into an `OutputError`, unless the reader is gone.

    Args:
        errors: Numbers of the errors that come from writing; None for all.
    """
    try:
        yield
    except (BrokenPipeError, OutputError):
        raise
    except OSError as error:
        if errors is not None and error.errno not in errors:
            raise
        raise OutputError(error.errno, f"standard output cannot be written ({error.strerror})") from None


def _discard(descriptor: int) -> None:
    """Lets what is written to a file descriptor from now on disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
