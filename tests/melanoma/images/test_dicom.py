"""Photographs in DICOM: the kinds that are read have the right pixels, every other one is refused by name."""

import random
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.dicom import is_dicom, photograph_in
from melanoma.ingest.listed import ref_to
from melanoma.ingest.loading import load
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from tests.helpers.dicom_files import (
    BASELINE,
    DERMOSCOPIC,
    EXPLICIT,
    IMPLICIT,
    PATIENT,
    PHOTOGRAPHIC,
    dicom,
    drawn,
    element,
    fragments,
    jpeg,
)

pytest.importorskip("pydicom", reason="the extra dicom is not installed")


def decoded(data: bytes) -> npt.NDArray[np.uint8]:
    photograph = photograph_in(data).data
    header = read_header(photograph)
    return decode(photograph, ImageSpec(header.height, header.width), header)


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decoded(data)
    assert "JANE" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize("kind", [PHOTOGRAPHIC, DERMOSCOPIC])
@pytest.mark.parametrize("is_planar", [False, True])
def test_uncompressed_pixels_are_those_that_were_stored(syntax: str, kind: str, is_planar: bool) -> None:
    pixels = drawn()
    stored = pixels.transpose(2, 0, 1) if is_planar else pixels
    assert (decoded(dicom(stored.tobytes(), syntax, kind=kind, planar=int(is_planar))) == pixels).all()


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_what_may_be_kept_is_read_and_nothing_else(syntax: str) -> None:
    said = {"maker": "FotoFinder Systems", "model": "medicam 1000s", "part": "BACK", "side": "L", "lossy": "01"}
    assert photograph_in(dicom(drawn().tobytes(), syntax, **said)).tags == {
        "dicom_manufacturer": "FotoFinder Systems", "dicom_model": "medicam 1000s", "dicom_body_part": "BACK",
        "dicom_laterality": "L", "dicom_lossy": "01",
    }  # fmt: skip
    assert photograph_in(dicom(drawn().tobytes(), syntax)).tags == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maker", "two\nlines"),
        ("maker", "a\\b"),
        ("maker", "x" * 65),
        ("part", "of Jane Doe"),
        ("side", "L" * 17),
        ("model", "é"),
    ],
)
def test_a_value_that_is_no_name_or_code_is_left_out(name: str, value: str) -> None:
    assert photograph_in(dicom(drawn().tobytes(), **{name: value})).tags == {}


@pytest.mark.parametrize("colours", ["YBR_FULL_422", "YBR_FULL", "RGB"])
@pytest.mark.parametrize("cut", [0, 500])
def test_a_baseline_jpeg_is_decoded_as_it_is_by_itself(colours: str, cut: int) -> None:
    alone = jpeg(drawn())
    parts = (alone[:cut], alone[cut:]) if cut else (alone,)
    data = dicom(fragments(*parts), BASELINE, colours=colours)
    assert photograph_in(data).data == alone and (decoded(data) == decode(alone, ImageSpec(24, 40))).all()


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"kind": "1.2.840.10008.5.1.4.1.1.2"}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of the kind CT Image Storage"),
        ({"kind": PATIENT}, ErrorKind.UNSUPPORTED_FORMAT, "without a registered name"),
        ({"frames": 5}, ErrorKind.ANIMATED, "DICOM of 5 frames"),
        ({"bits": 16, "stored": 12}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of 16 bits"),
        ({"stored": 7}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of 8 bits, or with signs"),
        ({"signs": 1}, ErrorKind.UNSUPPORTED_FORMAT, "with signs"),
        ({"samples": 1, "colours": "MONOCHROME2"}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of MONOCHROME2 colours"),
        ({"colours": PATIENT}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of unknown colours"),
        ({"colours": "YBR_FULL"}, ErrorKind.UNSUPPORTED_FORMAT, "DICOM of YBR_FULL colours"),
        ({"rows": 0}, ErrorKind.CORRUPT, "40x0 pixels"),
        ({"rows": 65535, "columns": 65535}, ErrorKind.TOO_MANY_PIXELS, "65535x65535 pixels"),
        ({"rows": 25}, ErrorKind.TRUNCATED, "2880 of 3000 bytes of pixels"),
        ({"columns": None}, ErrorKind.CORRUPT, "the DICOM file cannot be read (AttributeError)"),
        ({"frames": "many"}, ErrorKind.CORRUPT, "the DICOM file cannot be read"),
    ],
)
def test_another_kind_is_refused_by_name(changes: dict[str, Any], kind: ErrorKind, said: str) -> None:
    error = refusal(dicom(drawn().tobytes(), **changes))
    assert error.kind is kind and said in error.detail


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
        ("1.2.840.10008.1.2.2", "Explicit VR Big Endian"),
        ("1.2.840.10008.1.2.4.90", "JPEG 2000"),
        (PATIENT, "without a registered name"),
        ("", "without a registered name"),
    ],
)
def test_another_transfer_syntax_is_refused_by_name(syntax: str, name: str) -> None:
    error = refusal(dicom(drawn().tobytes(), syntax))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and name in error.detail


def test_a_jpeg_that_is_not_what_the_file_states_is_refused() -> None:
    assert refusal(dicom(fragments(jpeg(drawn(41))), BASELINE, colours="YBR_FULL_422")).kind is ErrorKind.CORRUPT
    bare = jpeg(drawn()).replace(b"JFIF\0", b"XXXX\0")
    assert "colours are not stated" in refusal(dicom(fragments(bare), BASELINE)).detail


def test_cut_and_flipped_files_raise_nothing_else_and_quote_nothing() -> None:
    draw = random.Random(1)
    for whole in (
        dicom(drawn().tobytes()),
        dicom(drawn().tobytes(), IMPLICIT),
        dicom(fragments(jpeg(drawn())), BASELINE, colours="YBR_FULL_422"),
    ):
        for number in range(400):
            data = bytearray(whole)
            if number % 4 == 0:
                del data[draw.randrange(132, len(data)) :]
            else:
                for _ in range(draw.choice([1, 3, 20])):
                    data[draw.randrange(132, min(len(data), 500))] = draw.choice([0, 255, draw.randrange(256)])
            try:
                decoded(bytes(data))
            except ImageError as error:
                assert "JANE" not in error.detail


def test_deeply_nested_and_endless_elements_cost_little() -> None:
    nested = b"".join(
        struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        for _ in range(30_000)
    )
    many = element(0x0009, 0x0010, b"LO", b"") * 200_000
    for more in (nested, many):
        data = dicom(more + drawn().tobytes())
        start = data.index(struct.pack("<HH", 0x0028, 0x0002))
        error = refusal(data[:start] + more + data[start:])
        assert error.kind in (ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT, ErrorKind.TRUNCATED)


def test_what_is_no_dicom_is_left_as_it_is_and_without_the_package_its_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (
        photograph_in(b"").data == b"" and photograph_in(alone := jpeg(drawn())).data == alone and not is_dicom(alone)
    )
    monkeypatch.setitem(sys.modules, "pydicom", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    error = refusal(dicom(drawn().tobytes()))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and "'melanoma[dicom]'" in error.detail


def test_a_folder_of_dicom_is_listed_and_loaded(tmp_path: Path) -> None:
    pixels = drawn()
    (tmp_path / "a.dcm").write_bytes(dicom(pixels.tobytes()))
    (ref,) = list_images(Root(str(tmp_path)))
    assert ref.image_id == "a" and ref_to(ref.stored, "a") == ref
    (found,) = load(ref, [ImageSpec(24, 40)])
    assert found.pixels is not None and (found.pixels == pixels).all()
    assert (found.loaded.width, found.loaded.height, found.loaded.error) == (40, 24, None)
