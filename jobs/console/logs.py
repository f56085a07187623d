"""Keeps the libraries' own chatter from burying what an operator must read."""

import contextlib
import logging
import os
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
