"""Keeps the libraries' own chatter from burying what an operator must read."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator

_CHATTER = (
    "apitools not found",  # BigQuery, which is not used
    "Resource module is not available",  # Beam says so of a module of its own that is not installed
    "Make sure that locally built Python SDK docker image",
    "Discarding unparseable args",
    "triggered tf.function retracing",  # of networks for one use each
)


def quiet() -> None:
    """Sets levels and filters; whoever wants to read TensorFlow's own log sets TF_CPP_MIN_LOG_LEVEL."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.basicConfig(level=logging.WARNING, format="melanoma: %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_says_something)
    # Their debug lines hold tokens.
    for name in ("botocore", "aiobotocore", "boto3", "s3fs", "gcsfs", "adlfs", "azure", "google", "aiohttp", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _says_something(record: logging.LogRecord) -> bool:
    return not any(chatter in record.getMessage() for chatter in _CHATTER)


class _PatientOutput(io.TextIOWrapper):
    """Standard output that does not mind when nobody reads on, as after `| head`: the work goes on, unseen."""

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


@contextlib.contextmanager
def native_silence() -> Iterator[None]:
    """Silences what native libraries write past Python while they are loaded; exceptions come through."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
