"""Log levels and filters that keep the libraries' noise away from what an operator must read."""

import logging
import os
import sys

from jobs.console import foreign_output, lines
from melanoma import imports
from melanoma.errors import MelanomaError, ReadError
from melanoma.redaction import redacted
from melanoma.terminal import printable

native_silence = imports.native_silence
_NOISE = (
    "apitools not found",  # BigQuery, which is not used
    "ReadFromBigQuery",
    "Resource module is not available",  # an optional part of Beam that is not installed
    "Make sure that locally built Python SDK docker image",
    "Discarding unparseable args",
    "Unparseable argument",  # an option of a job server, which has been checked
    "Really starting service",
    "Really destroying service",
    "Waiting for grpc channel to be ready",
    "Error bringing up service",  # the command says more
    "Failed to start job service",
    "triggered tf.function retracing",  # networks that are used once
)
_MESSAGES_OF_JOB = "read_messages"  # of Beam: tracebacks of a cluster, which may name photographs
# Their debug lines hold access tokens.
_STORE_LIBRARIES = (
    *("botocore", "aiobotocore", "boto3", "s3fs", "gcsfs", "adlfs", "azure"),
    *("google", "aiohttp", "urllib3"),
)


_TEXT = "melanoma: %(levelname)s %(name)s: %(message)s"


class _Formatter(logging.Formatter):
    """Writes text, or one JSON object if the lines for the operator are JSON."""

    def format(self, record: logging.LogRecord) -> str:
        if not lines.is_json():
            return printable(redacted(super().format(record)), keep="\n\t")
        fault = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return lines.as_json(record.levelname, redacted(f"{record.name}: {record.getMessage()}{fault}"))


def as_json() -> None:
    """Turns everything on standard error into JSON lines from now on: ours, the libraries', and native output."""
    stream = foreign_output.wrap()
    lines.use(form=lines.JSON, stream=stream)
    logging.captureWarnings(True)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(stream)


def quiet() -> None:
    """Sets levels and filters; an operator who wants TensorFlow's own log sets TF_CPP_MIN_LOG_LEVEL."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.basicConfig(level=logging.WARNING, format=_TEXT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_worth_reading)
        handler.setFormatter(_Formatter(_TEXT))
    for name in _STORE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.unraisablehook = _log_ignored


def _log_ignored(ignored: "sys.UnraisableHookArgs") -> None:
    """Logs an error that Python ignores, such as one in a library's clean-up: it helps nobody, and may quote a cell."""
    logging.getLogger("python").info("ignored %s in %s", ignored.exc_type.__name__, type(ignored.object).__name__)


def verbose() -> None:
    """Prints what the libraries log from level INFO on; those of the stores keep what may hold a name or a token."""
    logging.getLogger().setLevel(logging.INFO)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    if record.levelno < logging.getLogger().level:  # Beam sets a level of its own for the log of Prism
        return False
    if record.funcName == _MESSAGES_OF_JOB and not _is_verbose():
        return False
    return not any(noise in message for noise in _NOISE) and not _is_told_by_the_command(record)


def _is_verbose() -> bool:
    return logging.getLogger().level <= logging.INFO


def _is_told_by_the_command(record: logging.LogRecord) -> bool:
    """Tells whether Beam logs an error of ours: the command ends with its text, and its traceback helps nobody."""
    fault = record.exc_info[1] if record.exc_info else None
    return not _is_verbose() and record.name.startswith("apache_beam.") and isinstance(fault, MelanomaError | ReadError)
