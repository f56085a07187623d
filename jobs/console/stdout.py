"""Lets a process continue when the reader of its standard output is gone, as after `| head`."""

import io
import os
import sys


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
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def outlive_reader() -> None:
    """Replaces `sys.stdout`, so that the process outlives the reader of its output."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        encoding, errors, by_line, through = out.encoding, out.errors, out.line_buffering, out.write_through
        sys.stdout = _PatientOutput(out.detach(), encoding, errors, line_buffering=by_line, write_through=through)
