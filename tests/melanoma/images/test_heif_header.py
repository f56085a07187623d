"""The gate before the decoder of HEIC: what is read, and what is refused by name before anything is unpacked."""

import struct

import pytest
from PIL import Image

pytest.importorskip("pillow_heif", reason="the extra heic is not installed")

from melanoma.errors import ErrorKind
from melanoma.images.headers import read_header
from melanoma.images.limits import Header
from tests.helpers.decoded import refusal
from tests.helpers.heif_bytes import Picture, box, full_box, grid, heic, heif, picture, size, transfer
from tests.helpers.image_bytes import PRIVATE, exif, photograph

TILE = picture(photograph(64, 64))
ALPHA = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
GAIN = full_box(b"auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0")


def clap(width: int, height: int, divisor: int = 1) -> bytes:
    return box(b"clap", struct.pack(">4I", width * divisor, divisor, height * divisor, divisor), bytes(16))


def test_the_size_and_the_pixels_of_all_tiles_are_stated() -> None:
    assert read_header(heic(photograph(80, 66))) == Header("heic", 80, 66, 1, 80 * 66)
    assert read_header(heic(photograph(77, 50))) == Header("heic", 77, 50, 1, 78 * 64)  # cut by a clean aperture
    assert read_header(heic(photograph(200, 100), tile_size=64)) == Header("heic", 200, 100, 1, 8 * 64 * 64)


@pytest.mark.parametrize(("properties", "sides"), [
    ([box(b"irot", b"\1")], (64, 80)), ([box(b"irot", b"\2")], (80, 64)), ([box(b"imir", b"\0")], (80, 64)),
    ([clap(60, 40)], (60, 40)), ([clap(60, 40, 3), box(b"irot", b"\3")], (40, 60)),
])  # fmt: skip
def test_the_size_is_that_after_the_transformations(properties: list[bytes], sides: tuple[int, int]) -> None:
    header = read_header(heif([picture(photograph(80, 64), *properties)]))
    assert (header.upright_size, header.orientation, header.decoded_pixels) == (sides, 1, 80 * 64)


def test_transparency_counts_and_what_is_not_decoded_does_not() -> None:
    beside = picture(photograph(32, 32), ALPHA), picture(photograph(48, 48), GAIN), picture(photograph(16, 16))
    references = [(b"auxl", 2, [1]), (b"auxl", 3, [1]), (b"thmb", 4, [1])]
    assert read_header(heif([TILE, *beside], references)).decoded_pixels == 64 * 64 + 32 * 32


@pytest.mark.parametrize(("kind", "name"), [
    (b"av01", "AVIF"), (b"jpeg", "HEIF with JPEG"), (b"avc1", "HEIF with AVC"), (b"iovl", "HEIF with pictures over"),
    (b"XXXX", "HEIF of an unknown kind"),
])  # fmt: skip
def test_another_kind_of_heif_is_refused_by_name(kind: bytes, name: str) -> None:
    error = refusal(heif([Picture(TILE.content, TILE.properties, kind)]))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and error.detail.startswith(name)


def test_avif_is_refused_by_name() -> None:
    error = refusal(box(b"ftyp", b"avif", bytes(4), b"avifmif1miaf") + bytes(40))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and error.detail.startswith("AVIF")


@pytest.mark.parametrize(("number", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_colours_are_refused_by_name(number: int, name: str) -> None:
    error = refusal(heif([Picture(TILE.content, [*TILE.properties[:2], transfer(number)])]))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and f"HDR colours ({name})" in error.detail
    assert read_header(heif([Picture(TILE.content, [*TILE.properties[:2], transfer(1)])])).width == 64


def test_several_pictures_and_sequences_are_refused() -> None:
    assert refusal(heic(photograph(40, 30), photograph(30, 40))).detail == "HEIC of 2 pictures"
    assert refusal(heif([TILE, TILE])).kind is ErrorKind.ANIMATED
    assert refusal(heif([TILE, TILE], [(b"base", 2, [1])])).kind is ErrorKind.ANIMATED
    assert refusal(heif([TILE]) + box(b"moov", bytes(8))).kind is ErrorKind.ANIMATED
    hidden = Picture(TILE.content, TILE.properties, is_hidden=True)
    assert read_header(heif([TILE, hidden])).width == 64
    brighter = Picture(b"\0" * 9, [size(64, 64)], b"tmap")
    assert read_header(heif([TILE, hidden, brighter], [(b"dimg", 3, [1, 2])])).width == 64


@pytest.mark.parametrize(("data", "kind"), [
    (heif([Picture(TILE.content, [size(65535, 65535)])]), ErrorKind.TOO_MANY_PIXELS),
    (heif([Picture(TILE.content, [size(20000, 10)])]), ErrorKind.BAD_DIMENSIONS),
    (heif([Picture(TILE.content, [size(0, 10)])]), ErrorKind.CORRUPT),
    (heif([Picture(TILE.content, [size(64, 64)] * 2)]), ErrorKind.CORRUPT),
    (heif([Picture(TILE.content)]), ErrorKind.CORRUPT),
    (heif([Picture(TILE.content, [size(64, 64)])]), ErrorKind.CORRUPT),
    (heif([picture(photograph(80, 64), clap(90, 40))]), ErrorKind.CORRUPT),
    (heif([grid(1, 2, 128, 64), TILE], [(b"dimg", 1, [2])]), ErrorKind.CORRUPT),
    (heif([Picture(grid(1, 2, 16000, 4000).content, [size(128, 64)], b"grid"), TILE, TILE],
          [(b"dimg", 1, [2, 3])]), ErrorKind.CORRUPT),
    (heif([grid(1, 2, 128, 64), TILE, grid(1, 1, 64, 64)], [(b"dimg", 1, [2, 3])]), ErrorKind.UNSUPPORTED_FORMAT),
    (heif([grid(1, 255, 128, 64), Picture(TILE.content, [size(8000, 4000)])], [(b"dimg", 1, [2] * 255)]),
     ErrorKind.TOO_MANY_PIXELS),
    (heif([TILE]).replace(b"pitm", b"free"), ErrorKind.CORRUPT),
    (heif([TILE]).replace(b"meta", b"free"), ErrorKind.TRUNCATED),
    (heif([TILE]) + full_box(b"meta"), ErrorKind.CORRUPT),
])  # fmt: skip
def test_what_the_decoder_must_not_see_is_refused(data: bytes, kind: ErrorKind) -> None:
    assert refusal(data).kind is kind


def test_every_cut_is_truncated() -> None:
    data = heic(photograph(), exif=exif(6)[6:])
    assert {refusal(data[:length]).kind for length in range(12, len(data), 7)} == {ErrorKind.TRUNCATED}


def test_bytes_behind_the_boxes_are_ignored() -> None:
    assert read_header(heif([TILE]) + b"\xff\xff\xff\xffSEFT" + bytes(100)) == read_header(heif([TILE]))


def test_nothing_is_quoted() -> None:
    kind = PRIVATE.encode()[:4]
    assert PRIVATE[:3] not in refusal(heif([Picture(TILE.content, TILE.properties, kind)])).detail


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data, avif = heif([TILE]), heif([Picture(b"", [size(9, 9)], b"av01")])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "'melanoma[heic]'" in refusal(data).detail and refusal(data).kind is ErrorKind.UNSUPPORTED_FORMAT
    assert refusal(avif).detail.startswith("AVIF")


def test_pillow_itself_learns_no_new_format() -> None:
    assert "HEIF" not in Image.OPEN
