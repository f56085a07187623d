"""Loads one photograph: reads its bytes once, and decodes them for every model."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.budget import Budget
from melanoma.errors import ErrorKind, ImageError, PhotographError, ReadError, UsageError
from melanoma.images.decoder_pool import decoders
from melanoma.images.decoding import ImageSpec, read_header
from melanoma.images.dicom import photograph_in
from melanoma.images.limits import MAX_BYTES
from melanoma.ingest.image_refs import ImageRef
from melanoma.table.forgotten import Forgotten

_BYTES = Budget(4 * MAX_BYTES)  # that wait for a decoder, or are on their way; of all readers together


class Loaded(NamedTuple):
    """A photograph after loading: what its row needs besides the probabilities, and what loading cost.

    Attributes:
        ref: The photograph.
        width: Pixels, upright; None if the header could not be read.
        height: Pixels, upright; None if the header could not be read.
        sha256: Of the file's bytes, hex; None if they could not be read.
        error: Why the photograph has no pixels; None if it was decoded or is forgotten.
        bytes: Number of bytes read.
        read_seconds: Time from the request to having the bytes.
        decode_seconds: Time from the bytes to the pixels.
        tags: What a DICOM file says of itself, for the names of `dicom_tags.KEPT`.
        is_forgotten: Whether the score table has forgotten these bytes, so that they are not decoded.
        read_at: When reading ended, Unix time in seconds.
        decoded_at: When decoding ended, Unix time in seconds; 0 if it was not begun.
    """

    ref: ImageRef
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    error: PhotographError | None = None
    bytes: int = 0
    read_seconds: float = 0.0
    decode_seconds: float = 0.0
    tags: Mapping[str, str] = {}
    is_forgotten: bool = False
    read_at: float = 0.0
    decoded_at: float = 0.0


class Decoded(NamedTuple):
    """A photograph as one model gets it.

    Attributes:
        loaded: What is known of the photograph.
        pixels: uint8 (height, width, 3); None if `loaded` has an error or is forgotten.
    """

    loaded: Loaded
    pixels: npt.NDArray[np.uint8] | None


def load(ref: ImageRef, specs: Sequence[ImageSpec], forgotten: Forgotten | None = None) -> list[Decoded]:
    """Reads one photograph and decodes it for each of `specs`; returns its errors instead of raising them.

    Args:
        ref: The photograph.
        specs: What the decoder must deliver, once per way of decoding.
        forgotten: Photographs whose bytes must not be scored; None for none.

    Returns:
        One entry for each of `specs`, in their order.
    """
    with _BYTES.reserve(_most_bytes(ref)):
        return _load(ref, specs, forgotten)


def _most_bytes(ref: ImageRef) -> int:
    """Returns the most bytes that are read of a photograph, even where the store lists no size."""
    if not ref.version or ref.size > MAX_BYTES:  # it is refused unread
        return 0
    return ref.size if ref.size >= 0 else MAX_BYTES


def _load(ref: ImageRef, specs: Sequence[ImageSpec], forgotten: Forgotten | None) -> list[Decoded]:
    loaded, began = Loaded(ref), time.perf_counter()
    try:
        data = _read(ref)
    except PhotographError as error:
        loaded = loaded._replace(error=error, read_seconds=time.perf_counter() - began, read_at=time.time())
        return [Decoded(loaded, None)] * len(specs)
    loaded = loaded._replace(bytes=len(data), read_seconds=time.perf_counter() - began, read_at=time.time())
    began, sha256 = time.perf_counter(), hashlib.sha256(data).hexdigest()
    loaded = loaded._replace(sha256=sha256)
    if forgotten is not None and forgotten.has_content(sha256):
        return [Decoded(loaded._replace(is_forgotten=True), None)] * len(specs)
    try:
        data, tags = photograph_in(data)
        loaded = loaded._replace(tags=tags)
        header = read_header(data)
    except PhotographError as error:
        loaded = loaded._replace(error=error, decode_seconds=time.perf_counter() - began, decoded_at=time.time())
        return [Decoded(loaded, None)] * len(specs)
    width, height = header.upright_size
    loaded = loaded._replace(width=width, height=height)
    decoding = decoders().decode(data, header, specs)
    loaded = loaded._replace(decode_seconds=decoding.seconds / len(specs), decoded_at=time.time())
    return [
        Decoded(loaded._replace(error=result), None) if isinstance(result, ImageError) else Decoded(loaded, result)
        for result in decoding.results
    ]


def _read(ref: ImageRef) -> bytes:
    if ref.size > MAX_BYTES:
        raise ImageError(ErrorKind.TOO_LARGE, f"{ref.size} bytes; at most {MAX_BYTES} are read")
    if not ref.version:
        try:
            storage.stat(ref.stored.uri)
        except UsageError:
            raise ReadError(ErrorKind.BAD_NAME, "no store that can be used; correct the manifest") from None
        raise ReadError(ErrorKind.CHANGED, "it could not be seen when it was listed, and can be now")
    return storage.read_bytes(ref.stored.uri, ref.stored)
