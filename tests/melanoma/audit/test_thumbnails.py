"""Small copies of photographs that a page holds."""

import base64
from pathlib import Path

import pytest

from melanoma.audit.thumbnails import thumbnail
from melanoma.images import encoding
from melanoma.images.decoding import read_header
from melanoma.samples import phantoms

PREFIX = "data:image/jpeg;base64,"


def copy_of(path: Path) -> bytes:
    uri = thumbnail(f"file://{path}")
    assert uri is not None and uri.startswith(PREFIX)
    return base64.b64decode(uri.removeprefix(PREFIX))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(200, 200, (132, 132)), (200, 300, (198, 132)), (66, 33, (66, 132)), (50, 500, (220, 132)), (300, 20, (9, 132))],
)
def test_the_height_is_fixed_and_the_width_follows_up_to_a_limit(
    tmp_path: Path, height: int, width: int, expected: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoding.encode(phantoms.draw(1, height, width), "png"))
    assert read_header(copy_of(path)).upright_size == expected


def test_a_thumbnail_has_no_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = encoding.encode(phantoms.draw(1, 60, 80), "jpeg")
    path.write_bytes(data[:2] + b"\xff\xfe\x00\x0bJane Doe!" + data[2:])
    assert b"Jane Doe" in path.read_bytes()
    assert b"Jane Doe" not in copy_of(path)


def test_an_unreadable_file_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no photograph")
    assert thumbnail(f"file://{tmp_path}/a.jpg") is None
    assert thumbnail(f"file://{tmp_path}/absent.jpg") is None
