"""The limits that a file must meet before a decoder sees it, and the header of a file that meets them."""

from dataclasses import dataclass

from melanoma.errors import ErrorKind, ImageError

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 10**6
MAX_SIDE = 16384
MAX_RATIO = 20
MAX_SCANS = 100
MAX_PARTS = 2**16  # segments, chunks or strips: bounds the time that a file of nothing but parts can cost


@dataclass(frozen=True)
class Header:
    """What a file states about its picture before a pixel is decoded.

    Attributes:
        format: `jpeg`, `png`, `webp`, `tiff` or `heic`, by content, whatever the file's name says.
        width: Pixels of a row as the decoder returns it, 1 to 16384.
        height: Rows as the decoder returns them, 1 to 16384.
        orientation: EXIF orientation, 1 (upright) to 8; 1 where there is none, it cannot be read, or
            the decoder applies it.
        tile_pixels: Pixels that are unpacked, where the picture is cut out of tiles or has more than it shows; else 0.
        white: Value of white in samples of more than 8 bits.
    """

    format: str
    width: int
    height: int
    orientation: int
    tile_pixels: int = 0
    white: int = 65535

    @property
    def decoded_pixels(self) -> int:
        """Pixels that a decoder unpacks."""
        return self.tile_pixels or self.width * self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in pixels once the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def check_size(width: int, height: int) -> None:
    """Checks the stated sides of a picture, in pixels.

    Raises:
        ImageError: A side is zero or too long, the sides are too unlike, or the picture has too many pixels.
    """
    found = f"{width}x{height} pixels"
    if not width or not height:
        raise ImageError(ErrorKind.CORRUPT, found)
    if width * height > MAX_PIXELS:
        raise ImageError(ErrorKind.TOO_MANY_PIXELS, f"{found}; at most {MAX_PIXELS} are decoded")
    longer, shorter = max(width, height), min(width, height)
    if longer > MAX_SIDE or longer > MAX_RATIO * shorter:
        raise ImageError(ErrorKind.BAD_DIMENSIONS, f"{found}; at most {MAX_SIDE} a side and {MAX_RATIO}:1")
