"""A JPEG of several scans that ends behind one of them was cut, even if it is closed properly."""

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.jpeg_scans import Scan, check_complete, read_scan
from tests.helpers.decoded import kind_of, refusal
from tests.helpers.flat_jpeg import flat_jpeg
from tests.helpers.image_bytes import END_OF_IMAGE, encode, photograph

PROGRESSIVE = encode(photograph(240, 180), "JPEG", progressive=True)


def scan_starts(data: bytes) -> list[int]:
    starts = [data.index(b"\xff\xda")]
    while (place := data.find(b"\xff\xda", starts[-1] + 2)) > 0:
        starts.append(place)
    return starts


def test_a_progressive_jpeg_closed_behind_any_scan_but_the_last_is_truncated() -> None:
    starts = scan_starts(PROGRESSIVE)
    assert len(starts) == 10
    for start in starts[1:]:
        # Tables of the next scan stand between the end of one scan and the header of the next.
        end = PROGRESSIVE.rindex(b"\xff\xc4", 0, start) if PROGRESSIVE.rindex(b"\xff\xc4", 0, start) > 700 else start
        assert refusal(PROGRESSIVE[:end] + END_OF_IMAGE).kind is ErrorKind.TRUNCATED
    assert kind_of(PROGRESSIVE) is None


@pytest.mark.parametrize("image", [photograph(), photograph().convert("L"), photograph().convert("CMYK")])
def test_whole_progressive_jpegs_are_complete(image: object) -> None:
    assert kind_of(encode(image, "JPEG", progressive=True, quality=98)) is None  # type: ignore[arg-type]


def test_sequential_scans_must_cover_every_component() -> None:
    whole = [Scan(b"\1", 0, 63, 0), Scan(b"\2\3", 0, 63, 0)]
    check_complete(b"\1\2\3", whole, is_progressive=False)
    for missing in (whole[:1], whole[1:]):
        with pytest.raises(ImageError, match="before its last scan"):
            check_complete(b"\1\2\3", missing, is_progressive=False)


def test_every_bit_of_every_coefficient_must_be_sent() -> None:
    script = [Scan(b"\1", 0, 0, 1), Scan(b"\1", 1, 5, 0), Scan(b"\1", 6, 63, 2), Scan(b"\1", 6, 63, 1)]
    script += [Scan(b"\1", 6, 63, 0), Scan(b"\1", 0, 0, 0)]
    check_complete(b"\1", script, is_progressive=True)
    for left_out in (0, 1, 4, 5):
        shorter = script[:left_out] + script[left_out + 1 :] if left_out else script[:-1]
        with pytest.raises(ImageError, match="before its last scan"):
            check_complete(b"\1", shorter, is_progressive=True)


def test_ranges_beyond_the_block_and_unknown_components_are_harmless() -> None:
    check_complete(b"\1", [Scan(b"\1\7", 0, 255, 0)], is_progressive=True)
    with pytest.raises(ImageError):
        check_complete(b"\1", [Scan(b"\1", 63, 0, 0)], is_progressive=True)


@pytest.mark.parametrize("body", [b"", b"\0", b"\3\1\0", b"\1\1\0\0\x3f"])
def test_a_damaged_scan_header_is_corrupt(body: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        read_scan(body)
    assert caught.value.kind is ErrorKind.CORRUPT


def test_a_scan_header_is_read() -> None:
    assert read_scan(b"\2\1\0\2\x11\1\5\x21") == Scan(b"\1\2", 1, 5, 1)


def test_a_sequential_jpeg_without_its_colours_is_truncated() -> None:
    data = flat_jpeg(40, 24, (150, 100, 170), ((1, 1),) * 3)
    scan = data.index(b"\xff\xda")
    only_first = data[:scan] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + data[scan + 14 :]
    assert refusal(only_first).kind is ErrorKind.TRUNCATED
    assert kind_of(data) is None
