"""DICOM files, written by hand."""

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

PHOTOGRAPHIC, DERMOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.77.1.7"
IMPLICIT, EXPLICIT, BASELINE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
PATIENT = "DOE^JANE"


def drawn(width: int = 40, height: int = 24) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(pixels: npt.NDArray[np.uint8], **options: Any) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", quality=95, **options)
    return sink.getvalue()


def element(group: int, number: int, kind: bytes, value: bytes, is_explicit: bool = True) -> bytes:
    value += b"\0" * (len(value) % 2)
    tag = struct.pack("<HH", group, number)
    if not is_explicit:
        return tag + struct.pack("<I", len(value)) + value
    if kind in (b"OB", b"OW", b"SQ", b"UN"):
        return tag + kind + struct.pack("<HI", 0, len(value)) + value
    return tag + kind + struct.pack("<H", len(value)) + value


def fragments(*parts: bytes) -> bytes:
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(p)) + p for p in (b"", *parts))
    return b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"


def dicom(pixels: bytes, syntax: str = EXPLICIT, shape: tuple[int, int] = (24, 40), **changes: Any) -> bytes:
    """Writes a DICOM file by hand; `changes` replace values by keyword, None leaves an element out."""
    is_explicit = syntax != IMPLICIT
    values: dict[str, Any] = {
        "kind": PHOTOGRAPHIC, "samples": 3, "colours": "RGB", "planar": 0, "frames": None, "rows": shape[0],
        "columns": shape[1], "bits": 8, "stored": 8, "signs": 0,
        **dict.fromkeys(("maker", "part", "model", "side", "lossy")), **changes,
    }  # fmt: skip
    layout = (
        (0x0008, 0x0016, b"UI", "kind"), (0x0008, 0x0070, b"LO", "maker"), (0x0008, 0x1090, b"LO", "model"),
        (0x0018, 0x0015, b"CS", "part"), (0x0020, 0x0060, b"CS", "side"), (0x0028, 0x0002, b"US", "samples"),
        (0x0028, 0x0004, b"CS", "colours"), (0x0028, 0x0006, b"US", "planar"), (0x0028, 0x0008, b"IS", "frames"),
        (0x0028, 0x0010, b"US", "rows"), (0x0028, 0x0011, b"US", "columns"), (0x0028, 0x0100, b"US", "bits"),
        (0x0028, 0x0101, b"US", "stored"), (0x0028, 0x0103, b"US", "signs"), (0x0028, 0x2110, b"CS", "lossy"),
    )  # fmt: skip
    body = b""
    for group, number, kind, name in layout:
        if (value := values[name]) is not None:
            packed = struct.pack("<H", value) if kind == b"US" else str(value).encode()
            body += element(group, number, kind, packed, is_explicit)
        if name == "model":
            body += element(0x0010, 0x0010, b"PN", PATIENT.encode(), is_explicit)
    file = element(0x0002, 0x0001, b"OB", b"\0\1") + element(0x0002, 0x0010, b"UI", syntax.encode())
    if not pixels.startswith(b"\xe0\x7f\x10\x00"):
        pixels = element(0x7FE0, 0x0010, b"OW", pixels, is_explicit)
    return bytes(128) + b"DICM" + file + body + pixels
