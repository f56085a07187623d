"""Takes the photograph out of a DICOM file: its bytes as a JPEG or TIFF, which pass every check of such a file.

Nothing else of the file is used, and only what `dicom_tags` names can be kept. `pydicom` (extra `dicom`) reads the
elements in front of the pixels, in which nothing is packed, from the file's first megabyte. Pixels are only copied
here, and decoded where all photographs are.
"""

import importlib.util
import io
import struct
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from melanoma.errors import ErrorKind, ImageError
from melanoma.extras import install_command
from melanoma.images.dicom_tags import KEPT_KEYWORDS, kept_values
from melanoma.images.limits import MAX_BYTES, check_size

_MAGIC, _MAGIC_AT = b"DICM", 128
_MAX_HEADER_BYTES = 2**20  # in front of the pixels; bounds the time that a file of nothing but elements can cost
_FILE_GROUP, _SYNTAX_ELEMENT, _PIXEL_TAG = 0x0002, 0x0010, 0x7FE00010
_LONG_LENGTHS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_IMPLICIT, _EXPLICIT, _JPEG_BASELINE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
_READ_SYNTAXES = (_IMPLICIT, _EXPLICIT, _JPEG_BASELINE)
_PHOTOGRAPHIC, _DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.77.1.7"
_TAGS = (
    *("SOPClassUID", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("NumberOfFrames", "BitsAllocated", "BitsStored", "PixelRepresentation"),
    *KEPT_KEYWORDS,
)
_PIXELS, _ITEM, _END = b"\xe0\x7f\x10\x00", b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_UNDEFINED, _MAX_FRAGMENTS = 0xFFFFFFFF, 2**12
_READ = "photographs and dermoscopic photographs are read: one frame of 8-bit RGB, uncompressed, or a baseline JPEG"


class Photograph(NamedTuple):
    """A photograph, whatever it was wrapped in.

    Attributes:
        data: The file's bytes; of a DICOM file, a JPEG or TIFF file.
        tags: What the DICOM file says for the names of `dicom_tags.KEPT`.
    """

    data: bytes
    tags: Mapping[str, str] = {}


class _Elements(NamedTuple):
    values: Any  # a `pydicom.Dataset`
    end: int  # where the pixels' element begins


def is_dicom(data: bytes) -> bool:
    """Tells whether the bytes are those of a DICOM file."""
    return data.startswith(_MAGIC, _MAGIC_AT)


def photograph_in(data: bytes) -> Photograph:
    """Returns the photograph of a DICOM file as a JPEG or TIFF file, and any other bytes as they are.

    Args:
        data: A complete file.

    Raises:
        ImageError: The package is not installed, or the file is damaged or of a kind that is not read. No value of the
            file but numbers and registered names is quoted.
    """
    if not is_dicom(data) or len(data) > MAX_BYTES:
        return Photograph(data)
    if importlib.util.find_spec("pydicom") is None:
        raise _unsupported(f"DICOM needs a package that is not installed; run: {install_command('dicom')}")
    try:
        syntax, place = _file_elements(data)
        if syntax not in _READ_SYNTAXES:
            raise _unsupported(f"DICOM in the transfer syntax {_name_of(syntax)}; {_READ}")
        elements = _elements(data, place, syntax == _IMPLICIT)
        _check(elements.values, syntax)
        pixels = _pixels(data, elements.end, is_explicit=syntax != _IMPLICIT)
        taken = _jpeg(pixels, elements.values) if syntax == _JPEG_BASELINE else _tiff(pixels, elements.values)
        return Photograph(taken, kept_values(elements.values))
    except (ImageError, MemoryError):
        raise
    except (struct.error, EOFError) as error:
        raise ImageError(ErrorKind.TRUNCATED, "the DICOM file ends too early") from error
    except Exception as error:  # noqa: BLE001 - hostile bytes make the parser raise nearly every type there is
        raise ImageError(ErrorKind.CORRUPT, f"the DICOM file cannot be read ({type(error).__name__})") from None


def _file_elements(data: bytes) -> tuple[str, int]:
    """Reads the file's own elements, which are always plain and come first.

    Returns:
        The transfer syntax, and where the other elements begin.
    """
    place, syntax = _MAGIC_AT + len(_MAGIC), ""
    while place < _MAX_HEADER_BYTES:
        group, element, kind = struct.unpack_from("<HH2s", data, place)
        if group != _FILE_GROUP:
            break
        is_long = kind in _LONG_LENGTHS
        (length,) = struct.unpack_from("<I" if is_long else "<H", data, place + (8 if is_long else 6))
        place += 12 if is_long else 8
        if element == _SYNTAX_ELEMENT:
            syntax = data[place : place + min(length, 64)].rstrip(b"\0 ").decode("ascii", "replace")
        place += length
    return syntax, place


def _elements(data: bytes, place: int, is_implicit: bool) -> _Elements:
    """Reads the elements in front of the pixels, of which nothing is packed."""
    from pydicom import config
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_dataset
    from pydicom.tag import BaseTag, Tag

    config.settings.reading_validation_mode = config.IGNORE
    warnings.filterwarnings("ignore", module="pydicom")  # they may quote values
    source = io.BytesIO(data[:_MAX_HEADER_BYTES])
    source.seek(place)
    tags: list[BaseTag | int] = [Tag(found) for name in _TAGS if (found := tag_for_keyword(name)) is not None]
    values = read_dataset(
        source, is_implicit, True, stop_when=lambda tag, kind, length: tag == _PIXEL_TAG, specific_tags=tags
    )
    end = source.tell()
    if not data.startswith(_PIXELS, end):
        if len(data) > _MAX_HEADER_BYTES <= end:
            raise _unsupported(f"DICOM with more than {_MAX_HEADER_BYTES} bytes in front of its pixels")
        raise ImageError(ErrorKind.TRUNCATED, "the DICOM file has no pixels, or ends before them")
    return _Elements(values, end)


def _check(values: Any, syntax: str) -> None:
    """Refuses whatever would have other pixels than the photograph seems to have."""
    kind = str(values.get("SOPClassUID", ""))
    if kind not in (_PHOTOGRAPHIC, _DERMOSCOPIC):
        raise _unsupported(f"DICOM of the kind {_name_of(kind)}; {_READ}")
    if (frames := int(values.get("NumberOfFrames") or 1)) != 1:
        raise ImageError(ErrorKind.ANIMATED, f"DICOM of {frames} frames; export a single one")
    bits, stored = int(values.BitsAllocated), int(values.get("BitsStored", values.BitsAllocated))
    if (bits, stored) != (8, 8) or int(values.get("PixelRepresentation", 0)):
        raise _unsupported(f"DICOM of {max(bits, stored)} bits, or with signs; {_READ}")
    colours = str(values.get("PhotometricInterpretation", ""))
    read = ("RGB", "YBR_FULL", "YBR_FULL_422") if syntax == _JPEG_BASELINE else ("RGB",)
    if int(values.SamplesPerPixel) != 3 or colours not in read:
        known = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "RGB")
        raise _unsupported(f"DICOM of {colours if colours in known else 'unknown'} colours; {_READ}")
    check_size(int(values.Columns), int(values.Rows))


def _pixels(data: bytes, place: int, is_explicit: bool) -> bytes:
    """Returns the content of the pixels' element; of one in fragments, their bytes one after the other."""
    place += 8 if is_explicit else 4
    (length,) = struct.unpack_from("<I", data, place)
    place += 4
    if length != _UNDEFINED:
        return data[place : place + length]
    fragments = list[bytes]()
    while not data.startswith(_END, place):
        (size,) = struct.unpack_from("<I", data, place + 4)
        if not data.startswith(_ITEM, place) or len(fragments) > _MAX_FRAGMENTS:
            raise ImageError(ErrorKind.CORRUPT, "the fragments of the DICOM file are damaged")
        place += 8
        fragments.append(data[place : place + size])
        place += size
    return b"".join(fragments[1:])  # the first one is a table of offsets


def _jpeg(pixels: bytes, values: Any) -> bytes:
    from melanoma.images.jpeg_header import read_jpeg

    header = read_jpeg(pixels)
    if (header.width, header.height) != (int(values.Columns), int(values.Rows)):
        raise ImageError(ErrorKind.CORRUPT, "the JPEG in the DICOM file has another size than the file states")
    if str(values.PhotometricInterpretation) == "RGB" and not (b"JFIF\0" in pixels[:64] or b"Adobe" in pixels[:1024]):
        raise _unsupported("DICOM with a JPEG whose colours are not stated in itself")
    return pixels


def _tiff(pixels: bytes, values: Any) -> bytes:
    """Returns RGB pixels as an uncompressed TIFF file."""
    width, height = int(values.Columns), int(values.Rows)
    size = 3 * width * height
    if len(pixels) < size:
        raise ImageError(ErrorKind.TRUNCATED, f"{len(pixels)} of {size} bytes of pixels")
    content = pixels[:size]
    if int(values.get("PlanarConfiguration") or 0):
        content = np.frombuffer(content, np.uint8).reshape(3, -1).T.tobytes()
    fields = ((256, width), (257, height), (258, 0), (259, 1), (262, 2), (273, 0), (277, 3), (278, height), (279, size))
    after = 8 + 2 + 12 * len(fields) + 4
    first = after + 6
    found = {258: after, 273: first}
    directory = b"".join(
        struct.pack("<HHII", tag, *((3, 3) if tag == 258 else (4, 1)), found.get(tag, value)) for tag, value in fields
    )
    start = struct.pack("<2sHIH", b"II", 42, 8, len(fields))
    return start + directory + struct.pack("<I3H", 0, 8, 8, 8) + content


def _name_of(uid: str) -> str:
    """Returns the registered name of a UID; of another one no word, since it may be anything."""
    from pydicom._uid_dict import UID_dictionary

    return UID_dictionary[uid][0] if uid in UID_dictionary else "without a registered name"


def _unsupported(found: str) -> ImageError:
    return ImageError(ErrorKind.UNSUPPORTED_FORMAT, found)
