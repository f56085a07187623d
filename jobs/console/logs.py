"""Log levels and filters that keep the libraries' noise away from what an operator must read."""

import contextlib
import logging
import os
from collections.abc import Iterator

_NOISE = (
    "apitools not found",  # BigQuery, which is not used
    "Resource module is not available",  # an optional part of Beam that is not installed
    "Make sure that locally built Python SDK docker image",
    "Discarding unparseable args",
    "triggered tf.function retracing",  # networks that are used once
)
# Their debug lines hold access tokens.
_STORE_LIBRARIES = (
    *("botocore", "aiobotocore", "boto3", "s3fs", "gcsfs", "adlfs", "azure"),
    *("google", "aiohttp", "urllib3"),
)


def quiet() -> None:
    """Sets levels and filters; an operator who wants TensorFlow's own log sets TF_CPP_MIN_LOG_LEVEL."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.basicConfig(level=logging.WARNING, format="melanoma: %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_worth_reading)
    for name in _STORE_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(noise in message for noise in _NOISE)


@contextlib.contextmanager
def native_silence() -> Iterator[None]:
    """Discards what native libraries write to file descriptor 2, bypassing Python; exceptions pass through."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
