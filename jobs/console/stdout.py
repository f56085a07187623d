"""Standard output of a process that works on when nobody reads it any more, as after `| head`."""

import io
import os
import sys


class _PatientOutput(io.TextIOWrapper):
    """Drops what nobody reads; that a disk is full it says as ever."""

    def write(self, text: str) -> int:
        """Writes, or drops what nobody reads."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Flushes, or drops what nobody reads."""
        try:
            super().flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


def be_patient() -> None:
    """Lets the process outlive whoever reads its standard output."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        encoding, errors, by_line, through = out.encoding, out.errors, out.line_buffering, out.write_through
        sys.stdout = _PatientOutput(out.detach(), encoding, errors, line_buffering=by_line, write_through=through)
