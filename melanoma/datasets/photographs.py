"""One labelled photograph, its files and its pixels."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.errors import DataError, ReadError
from melanoma.images.decoding import ImageSpec, decode


@dataclass(frozen=True)
class Photograph:
    """One labelled photograph.

    Attributes:
        image_id: File name without extension, or the id in a table.
        uri: Its file.
        sha256: SHA-256 of the file's bytes, 64 hex digits.
        label: Slug of its class.
        group: Its lesion or patient; the image_id where neither is known.
        other_uris: Further files that show it at another scale or crop, which training may use too.
        part: Part of a split that its folder is named like; empty where none is.
        source: Hospital, camera or collection that it comes from; empty where that was not asked for.
    """

    image_id: str
    uri: str
    sha256: str
    label: str
    group: str
    other_uris: tuple[str, ...] = ()
    part: str = ""
    source: str = field(default="", compare=False)


class TrainingFiles(NamedTuple):
    """Every file that training may use.

    Attributes:
        files: Each file as a photograph of its own: first the photographs as they are, then their further files.
        owners: Index of the photograph that each file shows.
    """

    files: list[Photograph]
    owners: list[int]


def every_file(photographs: Sequence[Photograph]) -> TrainingFiles:
    """Returns the files of photographs, further files included.

    Raises:
        DataError: A further file cannot be read.
    """
    others = [(owner, uri) for owner, photograph in enumerate(photographs) for uri in photograph.other_uris]
    digests = file_digests([uri for _, uri in others])
    further = [
        replace(photographs[owner], uri=uri, sha256=digest, other_uris=())
        for (owner, uri), digest in zip(others, digests, strict=True)
    ]
    return TrainingFiles([*photographs, *further], [*range(len(photographs)), *(owner for owner, _ in others)])


def load_pixels(photographs: Sequence[Photograph], spec: ImageSpec) -> npt.NDArray[np.uint8]:
    """Decodes photographs with the function that scoring uses.

    Returns:
        uint8 array (photographs, height, width, 3), 0 to 255.

    Raises:
        DataError: A file cannot be read.
        ImageError: A file is damaged; `melanoma audit` finds all such files.
    """
    pixels = np.empty((len(photographs), spec.height, spec.width, 3), np.uint8)
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda photograph: decode(read_file(photograph.uri), spec), photographs)
        for index, image in enumerate(decoded):
            pixels[index] = image
    return pixels


def file_digests(uris: Sequence[str]) -> list[str]:
    """Returns the SHA-256 of each file's bytes, in hex.

    Raises:
        DataError: A file cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda uri: hashlib.sha256(read_file(uri)).hexdigest(), uris))


def read_file(uri: str) -> bytes:
    """Reads a file that training cannot do without.

    Raises:
        DataError: The file is missing, or cannot be read.
    """
    try:
        return storage.read_bytes(storage.canonical(uri))
    except ReadError as error:
        raise DataError(f"{uri}: {error.detail}; check the path and its permissions") from error
