"""What a decoding process and its owner say to each other.

A process that decodes hostile bytes may be taken over by them. So what it answers is read as hostile too: plain JSON,
and every value is checked; never a pickle.

The server of the decoding processes knows two requests. A message with the descriptors of a connection and of shared
memory starts a decoder; the answer is its process number, or the negative number of the system's error. A message with
a process number ends that decoder; the answer is its exit code, or the negative number of the signal that ended it.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec
from melanoma.images.limits import Header

READY = b"ready"
MAX_MESSAGE = 2**16
_MAX_DETAIL = 300


class Request(NamedTuple):
    """One photograph to decode; its bytes lie at the start of the shared memory.

    Attributes:
        size: Number of bytes.
        header: What its header states.
        specs: What to deliver.
        place: Position in the shared memory where the pixels go, one result behind the other.
    """

    size: int
    header: Header
    specs: tuple[ImageSpec, ...]
    place: int


def pixel_bytes(specs: Sequence[ImageSpec]) -> int:
    """Returns how many bytes the pixels for all of `specs` take."""
    return sum(3 * spec.height * spec.width for spec in specs)


def to_bytes(request: Request) -> bytes:
    """Writes a request."""
    # `astuple` would copy every value deeply, which takes as long as all the rest here.
    header, specs = tuple(vars(request.header).values()), [tuple(vars(spec).values()) for spec in request.specs]
    return json.dumps([request.size, header, specs, request.place]).encode()


def request_of(message: bytes) -> Request:
    """Reads a request; it comes from the owner and is trusted."""
    size, header, specs, place = json.loads(message)
    return Request(size, Header(*header), tuple(ImageSpec(*spec) for spec in specs), place)


def answer(errors: Sequence[ImageError | None]) -> bytes:
    """Writes the outcome for each of the specs of a request: None where the pixels are in the shared memory."""
    return json.dumps([None if error is None else [error.kind, error.detail] for error in errors]).encode()


def errors_of(message: bytes, specs: int) -> list[ImageError | None]:
    """Reads an answer of a decoding process.

    Args:
        message: The answer.
        specs: Number of specs of the request.

    Raises:
        ValueError: It is not an answer to such a request.
    """
    try:
        values = json.loads(message)
    except RecursionError:
        raise ValueError("the decoder answered with deeply nested values") from None
    if not isinstance(values, list) or len(values) != specs:
        raise ValueError("the decoder did not answer once for each model")
    return [None if value is None else _error_of(value) for value in values]


def _error_of(value: Any) -> ImageError:
    match value:
        case [str(kind), str(detail)] if len(detail) <= _MAX_DETAIL and detail.isprintable():
            return ImageError(ErrorKind(kind), detail)
    raise ValueError("the decoder answered with something else than an error")
