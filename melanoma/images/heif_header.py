"""Reads the header of a HEIC: its size, how many pixels are unpacked, and whether it is one photograph that is read."""

import importlib.util
import struct

from melanoma.errors import ErrorKind, ImageError
from melanoma.extras import install_command
from melanoma.images.heif_boxes import Box
from melanoma.images.heif_items import Contents, Item, read_contents
from melanoma.images.heif_units import check_units
from melanoma.images.limits import MAX_PIXELS, Header, check_size

_CODED, _GRID = b"hvc1", b"grid"
_NAMES = {
    b"av01": "AVIF", b"avc1": "HEIF with AVC", b"jpeg": "HEIF with JPEG", b"j2k1": "HEIF with JPEG 2000",
    b"vvc1": "HEIF with VVC", b"evc1": "HEIF with EVC", b"lhv1": "HEIF with layers", b"unci": "uncompressed HEIF",
    b"iden": "HEIF with a derived picture", b"iovl": "HEIF with pictures over each other",
}  # fmt: skip
_PICTURES = frozenset({_CODED, _GRID, *_NAMES})
_BELONGS_TO_ANOTHER = (b"thmb", b"auxl")  # the source of the reference is a thumbnail, transparency, depth and so on
_ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_READ = "JPEG, PNG, WebP, TIFF and HEIC with HEVC are read"


def read_heic(data: bytes) -> Header:
    """Reads the header of a HEIC file.

    Returns:
        The size with rotation, mirroring and clean aperture applied, as the decoder applies them, so the orientation
        is 1. The orientation in EXIF says the same a second time and does not count (ISO/IEC 23008-12, 6.5.10).

    Raises:
        ImageError: The file is cut, damaged, of several pictures, of a kind that is not read, or beyond a limit; or
            the package that decodes it is not installed.
        struct.error: A box ends beyond the end of the file.
    """
    contents = read_contents(data)
    photograph = contents.items.get(contents.primary, Item())
    _check_kind(photograph.kind)
    _check_number(contents)
    _check_colours(data, photograph)
    width, height = _sides(data, photograph)
    coded = _coded(data, contents, contents.primary)
    clear = [part for number in _transparencies(data, contents) for part in _coded(data, contents, number)]
    pixels = _pixels(data, contents, coded) + _pixels(data, contents, clear)
    check_units(data, contents, coded + clear)
    if importlib.util.find_spec("pillow_heif") is None:
        needed = f"HEIC needs a package that is not installed; run: {install_command('heic')}"
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, needed)
    return Header("heic", *_seen_sides(data, photograph, width, height), 1, pixels)


def _check_kind(kind: bytes) -> None:
    if kind not in (_CODED, _GRID):
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{_NAMES.get(kind, 'HEIF of an unknown kind')}; {_READ}")


def _check_number(contents: Contents) -> None:
    """Refuses a file of several photographs, of which all but one would be lost."""
    belonging = {found.source for found in contents.references if found.kind in _BELONGS_TO_ANOTHER}
    for found in contents.references:
        if found.kind == b"dimg":  # the sources of a grid, or of a brighter version of the photograph
            belonging.update(found.targets)
    shown = {
        number
        for number, item in contents.items.items()
        if item.kind in _PICTURES and not item.is_hidden and number not in belonging
    }
    if len(shown | {contents.primary}) > 1:
        raise ImageError(ErrorKind.ANIMATED, f"HEIC of {len(shown | {contents.primary})} pictures")


def _check_colours(data: bytes, item: Item) -> None:
    for box in item.properties:
        if box.kind == b"colr" and data.startswith(b"nclx", box.start):
            (transfer,) = struct.unpack_from(">H", data, box.start + 6)
            if transfer in _HDR_TRANSFERS:
                found = f"HEIC with HDR colours ({_HDR_TRANSFERS[transfer]}); export it with standard colours"
                raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, found)


def _sides(data: bytes, item: Item) -> tuple[int, int]:
    """Returns the checked width and height of an item as stored."""
    found = [box for box in item.properties if box.kind == b"ispe"]
    if len(found) != 1:
        raise ImageError(ErrorKind.CORRUPT, "the HEIC does not state its size once")
    width, height = struct.unpack_from(">II", data, found[0].start + 4)
    check_size(width, height)
    return width, height


def _coded(data: bytes, contents: Contents, number: int) -> list[int]:
    """Returns the numbers of the HEVC pictures that make up a picture: its own, or of a grid those of its tiles."""
    item = contents.items[number]
    _check_kind(item.kind)
    if item.kind == _CODED:
        return [number]
    tiles = [target for found in contents.references if found[:2] == (b"dimg", number) for target in found.targets]
    if any(contents.items.get(tile, Item()).kind != _CODED for tile in tiles):
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, "HEIC of tiles that are not HEVC")
    _check_grid(data, item, len(tiles), _sides(data, item))
    return tiles


def _pixels(data: bytes, contents: Contents, numbers: list[int]) -> int:
    """Returns the checked number of pixels that the decoder unpacks for these HEVC pictures."""
    pixels = sum(width * height for width, height in (_sides(data, contents.items[number]) for number in numbers))
    if pixels > MAX_PIXELS:
        found = f"tiles of {pixels} pixels in all"
        raise ImageError(ErrorKind.TOO_MANY_PIXELS, f"{found}; at most {MAX_PIXELS} are decoded")
    return pixels


def _check_grid(data: bytes, item: Item, tiles: int, sides: tuple[int, int]) -> None:
    """Refuses a grid that states another size or number of tiles in itself, by which the decoder takes memory."""
    content = b"".join(data[start : min(end, start + 12)] for start, end in item.parts[:12])
    _, flags, rows, columns = struct.unpack_from(">4B", content)
    stated = struct.unpack_from(">II" if flags & 1 else ">HH", content, 4)
    if stated != sides or (rows + 1) * (columns + 1) != tiles:
        raise ImageError(ErrorKind.CORRUPT, "the tiles of the HEIC do not make up its size")


def _transparencies(data: bytes, contents: Contents) -> set[int]:
    """Returns the numbers of the pictures that hold the transparency of the photograph or of a tile."""
    return {
        found.source
        for found in contents.references
        if found.kind == b"auxl" and found.source in contents.items
        for box in contents.items[found.source].properties
        if box.kind == b"auxC" and data[box.start + 4 : box.end].rstrip(b"\0") in _ALPHA
    }


def _seen_sides(data: bytes, item: Item, width: int, height: int) -> tuple[int, int]:
    """Returns the sides after the transformations, in the order in which the file states them."""
    for box in item.properties:
        if box.kind == b"irot" and data[box.start] & 1:
            width, height = height, width
        if box.kind == b"clap":
            width, height = _clean_sides(data, box, width, height)
    check_size(width, height)
    return width, height


def _clean_sides(data: bytes, box: Box, width: int, height: int) -> tuple[int, int]:
    across, of_across, down, of_down = struct.unpack_from(">4I", data, box.start)
    if not of_across or not of_down or across > width * of_across or down > height * of_down:
        raise ImageError(ErrorKind.CORRUPT, "the HEIC states a clean aperture outside its pixels")
    return round(across / of_across), round(down / of_down)
