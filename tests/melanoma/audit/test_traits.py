"""Traits tell how a photograph was taken."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from melanoma.audit.traits import read_traits, traits_of
from melanoma.datasets.photographs import Photograph
from tests.helpers import fill

RNG = np.random.default_rng(0)


def test_size_and_kind_are_those_of_the_file_and_broken_files_have_none(tmp_path: Path) -> None:
    paths = fill(tmp_path, 4)
    (tmp_path / "cut.jpg").write_bytes(paths[0].read_bytes()[:90])
    found = read_traits([Photograph("", str(path), "", "", "") for path in [*paths, tmp_path / "cut.jpg"]])
    with Image.open(paths[0]) as image:
        assert found[0] is not None and found[0].size == f"{image.width}x{image.height}"
    assert [one and one.kind for one in found] == ["jpeg", "jpeg", "jpeg", "png", None]


def test_borders_blur_and_cast_are_measured() -> None:
    plain = RNG.integers(100, 200, (96, 96, 3), np.uint8)
    round_border = plain.copy()
    for rows in (slice(0, 12), slice(-12, None)):
        for columns in (slice(0, 12), slice(-12, None)):
            round_border[rows, columns] = 0
    blurred = np.asarray(Image.fromarray(plain).filter(ImageFilter.GaussianBlur(3)))
    red = plain.copy()
    red[..., 0] = 250
    base, border, soft, cast = (traits_of(pixels, "", "") for pixels in (plain, round_border, blurred, red))
    assert (base.dark_corners, border.dark_corners) == (0, 4)
    assert not any(one.sticker for one in (base, border, soft, cast))
    assert soft.sharpness < base.sharpness / 3
    assert cast.red_cast > 0.3 > abs(base.red_cast) and abs(cast.blue_cast) < 0.1
