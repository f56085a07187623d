"""Views of a photograph: other each time, the same for one key, and still that photograph."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from melanoma.errors import ImageError
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode
from melanoma.training.data.views import Strength, random_view
from tests.helpers import photograph

SIZE = (48, 48)
STILL = Strength(scale=(1.0, 1.0), shift=0, stretch=0, turn=0, colour=0, blur=0, compress=0)
PLAIN = encoding.encode(np.full((60, 80, 3), (180, 120, 100), np.uint8), "png")


def test_one_key_is_one_view_whatever_thread_draws_it() -> None:
    data, keys = photograph(1, height=120, width=160), [(0, 0, number) for number in range(12)]
    alone = [random_view(data, SIZE, key) for key in keys]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda key: random_view(data, SIZE, key), keys))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert len({picture.tobytes() for picture in alone}) == len(keys)
    assert {picture.shape for picture in alone} == {(*SIZE, 3)}
    assert alone[0].dtype == np.uint8


def test_with_no_strength_it_is_what_scoring_sees_but_for_turns_and_mirror_images() -> None:
    data = photograph(2, "png", height=48, width=64)
    scored = decode(data, ImageSpec(*SIZE, crop=1.0)).astype(int)
    turned = [np.rot90(picture, turns) for picture in (scored, scored[:, ::-1]) for turns in range(4)]
    for number in range(8):
        seen = random_view(data, SIZE, (number,), STILL).astype(int)
        assert min(np.abs(seen - picture).mean() for picture in turned) < 1.0


def test_all_turns_and_mirror_images_come_up() -> None:
    data = photograph(2, "png", height=48, width=48)
    assert len({random_view(data, SIZE, (number,), STILL).tobytes() for number in range(60)}) == 8


def test_a_turned_crop_shows_no_corners_that_were_never_photographed() -> None:
    strength = Strength(colour=0, blur=0, compress=0, turn=45)
    for number in range(20):
        assert np.abs(random_view(PLAIN, SIZE, (number,), strength).astype(int) - (180, 120, 100)).max() <= 1


def test_colours_vary_but_stay_near() -> None:
    means = np.array([random_view(PLAIN, SIZE, (number,)).mean(axis=(0, 1)) for number in range(200)])
    assert np.abs(np.median(means, axis=0) - (180, 120, 100)).max() < 12
    assert (means.std(axis=0) > 8).all()
    assert (means.std(axis=0) < 40).all()


def test_contrast_turns_about_the_photographs_own_middle() -> None:
    """On a grey surface only the light varies, by 0.104: a tenth for all channels, a twentieth for each of three."""
    strength = Strength(blur=0, compress=0)
    grey = encoding.encode(np.full((60, 80, 3), 120, np.uint8), "png")
    lights = np.log([random_view(grey, SIZE, (number,), strength).mean() / 120 for number in range(400)])
    assert lights.std() == pytest.approx(0.104, abs=0.012)
    assert lights.mean() == pytest.approx(0, abs=0.012)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_scale_is_that_of_the_crop(share: float) -> None:
    """A white square of half the side fills half of the whole, and more of a crop."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[24:72, 24:72] = 255
    strength = Strength((share, share), 0, 0, 0, 0, 0, 0)
    seen = random_view(encoding.encode(pixels, "png"), SIZE, (3,), strength)
    assert (seen > 127).mean() == pytest.approx(min(1.0, 0.5 / share) ** 2, abs=0.03)


def test_blur_and_compression_take_detail_away() -> None:
    data = photograph(3, "png", height=96, width=96)

    def detail(strength: Strength) -> float:
        pictures = [random_view(data, (96, 96), (number,), strength).astype(float) for number in range(10)]
        return float(np.mean([np.abs(np.diff(picture, axis=0)).mean() for picture in pictures]))

    still = detail(STILL)
    assert detail(Strength((1.0, 1.0), 0, 0, 0, 0, blur=1, compress=0)) < still
    compressed = random_view(data, (96, 96), (0,), Strength((1.0, 1.0), 0, 0, 0, 0, blur=0, compress=1))
    assert 0 < np.abs(compressed.astype(int) - random_view(data, (96, 96), (0,), STILL)).mean() < 20


def test_large_photographs_are_decoded_no_larger_than_needed_and_look_the_same() -> None:
    data = photograph(4, height=480, width=640)
    small = random_view(data, SIZE, (0,), STILL).astype(int)
    scored = decode(data, ImageSpec(*SIZE, crop=1.0)).astype(int)
    turned = [np.rot90(picture, turns) for picture in (scored, scored[:, ::-1]) for turns in range(4)]
    assert min(np.abs(small - picture).mean() for picture in turned) < 6


def test_damaged_bytes_are_an_image_error() -> None:
    with pytest.raises(ImageError):
        random_view(photograph(1)[:300], SIZE, (0,))
