"""Traits that tell where a photograph comes from, not what it shows: size, kind of file, borders, stickers, cast."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.audit.stickers import has_sticker
from melanoma.datasets.photographs import Photograph
from melanoma.errors import ImageError, ReadError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.headers import read_header

_SIZE = ImageSpec(96, 96)
_DARK = 40  # 0 to 255: brightness below which a corner belongs to a dark border
_CORNER = 10  # pixels
_THREADS = 8


class Traits(NamedTuple):
    """Traits of one photograph.

    Attributes:
        size: Width and height, such as `600x450`.
        kind: Format of the file, such as `jpeg`.
        dark_corners: Number of corners that are dark, 0 to 4: round borders of a lens have four.
        sticker: Whether a coloured sticker lies at the edge.
        sharpness: Mean difference of neighbouring pixels, 0 to 255, at a common size.
        red_cast: Logarithm of red to green in the outer pixels, which show skin.
        blue_cast: The same of blue to green.
    """

    size: str
    kind: str
    dark_corners: int
    sticker: bool
    sharpness: float
    red_cast: float
    blue_cast: float


def read_traits(photographs: Sequence[Photograph]) -> list[Traits | None]:
    """Reads the traits of photographs; None for those that cannot be read or decoded."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(_read, photographs))


def _read(photograph: Photograph) -> Traits | None:
    try:
        data = storage.read_bytes(photograph.uri)
        header = read_header(data)
        return traits_of(decode(data, _SIZE, header), f"{header.width}x{header.height}", header.format.lower())
    except (ImageError, ReadError):
        return None


def traits_of(pixels: npt.NDArray[np.uint8], size: str, kind: str) -> Traits:
    """Returns the traits of a photograph.

    Args:
        pixels: uint8 (side, side, 3), 0 to 255; all photographs at the same size.
        size: Width and height of its file.
        kind: Format of its file.
    """
    values = pixels.astype(np.float64)
    ends = (slice(None, _CORNER), slice(-_CORNER, None))
    corners = [values[rows, columns].mean() for rows in ends for columns in ends]
    grey = values.mean(axis=2)
    rough = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    outer = np.concatenate([values[:_CORNER].reshape(-1, 3), values[-_CORNER:].reshape(-1, 3)])
    red, green, blue = np.log(outer.mean(axis=0) + 1)
    dark = sum(corner < _DARK for corner in corners)
    return Traits(size, kind, int(dark), has_sticker(pixels), float(rough / 2), float(red - green), float(blue - green))
