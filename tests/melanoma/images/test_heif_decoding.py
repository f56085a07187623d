"""The pixels of HEIC: as stored, upright once, in 8-bit RGB; through the child processes too."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

pytest.importorskip("pillow_heif", reason="the extra heic is not installed")

import pillow_heif

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import DECODER, DECODER_WITH_EXTRAS, ImageSpec, decode
from melanoma.images.headers import read_header
from melanoma.images.heif_decoding import decode_heic
from melanoma.images.limits import Header
from melanoma.ingest.loading import load
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from tests.helpers.heif_bytes import LOSSLESS, box, grid, heic, heif, picture
from tests.helpers.image_bytes import exif, photograph, stored_for


def whole(data: bytes) -> npt.NDArray[np.int64]:
    header = read_header(data)
    width, height = header.upright_size
    return decode(data, ImageSpec(height, width), header).astype(np.int64)


@pytest.mark.parametrize("sides", [(120, 90), (121, 91)])
def test_pixels_are_those_that_were_stored(sides: tuple[int, int]) -> None:
    image = photograph(*sides)
    assert (whole(heic(image, **LOSSLESS)) == np.asarray(image)).all()
    assert (whole(heic(image, **LOSSLESS, tile_size=64)) == np.asarray(image)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(orientation: int) -> None:
    image = photograph(60, 40)
    data = heic(stored_for(image, orientation), **LOSSLESS, exif=exif(orientation)[6:])
    assert (whole(data) == np.asarray(image)).all()


def test_rotation_mirror_and_clean_aperture_follow_their_order() -> None:
    image = photograph(80, 64)
    cut = box(b"clap", *(number.to_bytes(4) for number in (60, 1, 40, 1, 0, 1, 0, 1)))
    data = heif([picture(image, cut, box(b"irot", b"\1"), box(b"imir", b"\1"))])
    expected = image.crop((10, 12, 70, 52)).transpose(Image.Transpose.ROTATE_90)
    assert (whole(data) == np.asarray(expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).all()


def test_the_tiles_of_a_grid_lie_side_by_side() -> None:
    left, right = photograph(64, 64, seed=1), photograph(64, 64, seed=2)
    data = heif([grid(1, 2, 120, 64), picture(left), picture(right)], [(b"dimg", 1, [2, 3])])
    expected = np.concatenate([np.asarray(left), np.asarray(right)], axis=1)[:, :120]
    assert (whole(data) == expected).all()


def test_transparency_lies_over_white_and_grey_is_grey() -> None:
    clear = Image.new("RGBA", (64, 64), (200, 100, 0, 51))
    assert np.abs(whole(heic(clear, **LOSSLESS)) - [244, 224, 204]).max() <= 1
    assert np.abs(whole(heic(Image.new("L", (64, 64), 77), quality=-1)) - 77).max() <= 1


@pytest.mark.parametrize("bits", [10, 12])
def test_more_bits_are_scaled_to_eight(bits: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    image = photograph(64, 48)
    deep = np.asarray(image).astype(np.uint16) * 257
    file = pillow_heif.from_bytes("RGB;16", image.size, deep.tobytes())
    file.save(tmp_path / "deep.heic", **LOSSLESS)
    assert np.abs(whole((tmp_path / "deep.heic").read_bytes()) - np.asarray(image)).max() <= 1


def test_another_size_than_the_header_is_corrupt() -> None:
    with pytest.raises(ImageError, match="another size than its header") as caught:
        decode_heic(heic(photograph(40, 30)), Header("heic", 41, 30, 1))
    assert caught.value.kind is ErrorKind.CORRUPT


def test_a_lie_about_the_size_is_refused_before_it_is_decoded() -> None:
    data = heic(photograph(400, 300))
    lie = data.replace((400).to_bytes(4) + (300).to_bytes(4), (40).to_bytes(4) + (30).to_bytes(4))
    with pytest.raises(ImageError) as caught:
        whole(lie)
    assert caught.value.kind is ErrorKind.CORRUPT


def test_the_decoder_version_names_the_library() -> None:
    assert f"pillow-heif {pillow_heif.__version__}" in DECODER_WITH_EXTRAS
    assert "heif" not in DECODER  # else staged rows of other photographs would be lost


def test_a_folder_of_heic_is_listed_and_decoded_in_a_child_process(tmp_path: Path) -> None:
    image = photograph(60, 40)
    for name in ("a.HEIC", "b.heif", "c.hif"):
        (tmp_path / name).write_bytes(heic(stored_for(image, 6), **LOSSLESS, exif=exif(6)[6:]))
    refs = list(list_images(Root(str(tmp_path))))
    assert sorted(ref.image_id for ref in refs) == ["a", "b", "c"]
    for ref in refs:
        (found,) = load(ref, [ImageSpec(40, 60)])
        assert found.pixels is not None and (found.pixels == np.asarray(image)).all()
        assert (found.loaded.width, found.loaded.height, found.loaded.error) == (60, 40, None)
