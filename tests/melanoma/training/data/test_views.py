"""Random views: different for every key, the same for the same key, and within their limits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from melanoma.errors import ImageError
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode
from melanoma.training.data.views import Strength, blend, random_view
from tests.helpers import photograph

SIZE = (48, 48)
STILL = Strength(scale=(1.0, 1.0), shift=0, stretch=0, turn=0, colour=0, blur=0, compress=0)
PLAIN = encoding.encode(np.full((60, 80, 3), (180, 120, 100), np.uint8), "png")


def test_the_same_key_gives_the_same_view_in_every_thread() -> None:
    data, keys = photograph(1, height=120, width=160), [(0, 0, number) for number in range(12)]
    alone = [random_view(data, SIZE, key) for key in keys]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda key: random_view(data, SIZE, key), keys))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert len({image.tobytes() for image in alone}) == len(keys)
    assert {image.shape for image in alone} == {(*SIZE, 3)}
    assert alone[0].dtype == np.uint8


def test_without_strength_a_view_is_turned_and_mirrored_at_most() -> None:
    data = photograph(2, "png", height=48, width=64)
    scored = decode(data, ImageSpec(*SIZE, crop=1.0)).astype(int)
    turned = [np.rot90(image, turns) for image in (scored, scored[:, ::-1]) for turns in range(4)]
    for number in range(8):
        seen = random_view(data, SIZE, (number,), STILL).astype(int)
        assert min(np.abs(seen - image).mean() for image in turned) < 1.0


def test_all_quarter_turns_and_mirror_images_occur() -> None:
    data = photograph(2, "png", height=48, width=48)
    assert len({random_view(data, SIZE, (number,), STILL).tobytes() for number in range(60)}) == 8


def test_a_rotated_crop_has_no_empty_corners() -> None:
    strength = Strength(colour=0, blur=0, compress=0, turn=45)
    for number in range(20):
        assert np.abs(random_view(PLAIN, SIZE, (number,), strength).astype(int) - (180, 120, 100)).max() <= 1


def test_colours_vary_around_those_of_the_photograph() -> None:
    means = np.array([random_view(PLAIN, SIZE, (number,)).mean(axis=(0, 1)) for number in range(200)])
    assert np.abs(np.median(means, axis=0) - (180, 120, 100)).max() < 12
    assert (means.std(axis=0) > 8).all()
    assert (means.std(axis=0) < 40).all()


def test_contrast_changes_around_the_mean_of_the_photograph() -> None:
    """On a grey surface only brightness varies, by 0.104: 0.1 for all channels and 0.05 for each of the three."""
    strength = Strength(blur=0, compress=0)
    grey = encoding.encode(np.full((60, 80, 3), 120, np.uint8), "png")
    lights = np.log([random_view(grey, SIZE, (number,), strength).mean() / 120 for number in range(400)])
    assert lights.std() == pytest.approx(0.104, abs=0.012)
    assert lights.mean() == pytest.approx(0, abs=0.012)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_scale_is_the_side_of_the_crop(share: float) -> None:
    """A white square of half the side fills half of the whole, and more of a crop."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[24:72, 24:72] = 255
    strength = Strength((share, share), 0, 0, 0, 0, 0, 0)
    seen = random_view(encoding.encode(pixels, "png"), SIZE, (3,), strength)
    assert (seen > 127).mean() == pytest.approx(min(1.0, 0.5 / share) ** 2, abs=0.03)


def test_blur_and_compression_take_detail_away() -> None:
    data = photograph(3, "png", height=96, width=96)

    def detail(strength: Strength) -> float:
        images = [random_view(data, (96, 96), (number,), strength).astype(float) for number in range(10)]
        return float(np.mean([np.abs(np.diff(image, axis=0)).mean() for image in images]))

    still = detail(STILL)
    assert detail(Strength((1.0, 1.0), 0, 0, 0, 0, blur=1, compress=0)) < still
    compressed = random_view(data, (96, 96), (0,), Strength((1.0, 1.0), 0, 0, 0, 0, blur=0, compress=1))
    assert 0 < np.abs(compressed.astype(int) - random_view(data, (96, 96), (0,), STILL)).mean() < 20


def test_large_photographs_are_decoded_smaller_without_a_visible_difference() -> None:
    data = photograph(4, height=480, width=640)
    small = random_view(data, SIZE, (0,), STILL).astype(int)
    scored = decode(data, ImageSpec(*SIZE, crop=1.0)).astype(int)
    turned = [np.rot90(image, turns) for image in (scored, scored[:, ::-1]) for turns in range(4)]
    assert min(np.abs(small - image).mean() for image in turned) < 6


def test_damaged_bytes_are_an_image_error() -> None:
    with pytest.raises(ImageError):
        random_view(photograph(1)[:300], SIZE, (0,))


def test_stretch_changes_the_aspect_ratio_within_its_limit() -> None:
    """A white square stays about as large, but becomes up to 1.35 times as wide as high, or as high as wide."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[32:64, 32:64] = 255
    strength = Strength((1.0, 1.0), 0, stretch=0.3, turn=0, colour=0, blur=0, compress=0)
    ratios = []
    for number in range(60):
        white = random_view(encoding.encode(pixels, "png"), (96, 96), (number,), strength)[..., 0] > 127
        ratios.append(np.log(white.any(axis=0).sum() / white.any(axis=1).sum()))
        assert white.sum() == pytest.approx(32 * 32, rel=0.1)
    assert 0.2 < max(np.abs(ratios)) < 0.3 + 0.07  # one pixel of rounding on each side
    assert min(ratios) < -0.1 < 0.1 < max(ratios)


def ramp(height: int) -> bytes:
    """A photograph that gets brighter by 2 per pixel, so that the mean of a crop shows where its centre is."""
    pixels = np.broadcast_to(np.arange(0, 240, 2, dtype=np.uint8)[None, :, None], (height, 120, 3))
    return encoding.encode(pixels, "png")


@pytest.mark.parametrize("height", [60, 120])
def test_shift_moves_the_crop_by_a_share_of_the_shorter_side_at_most(height: int) -> None:
    moved = Strength((0.5, 0.5), shift=0.2, stretch=0, turn=0, colour=0, blur=0, compress=0)
    centres = np.array([random_view(ramp(height), SIZE, (number,), moved).mean() for number in range(100)])
    limit = 0.2 * height * 2
    assert 0.8 * limit < np.abs(centres - 119).max() < limit + 3


def test_a_crop_as_large_as_the_photograph_stays_where_it_is() -> None:
    strength = Strength((1.0, 1.0), shift=0.2, stretch=0, turn=0, colour=0, blur=0, compress=0)
    assert {round(float(random_view(ramp(120), SIZE, (number,), strength).mean())) for number in range(8)} == {119}


def test_without_colour_changes_pixels_keep_their_values() -> None:
    strength = Strength(colour=0, blur=0, compress=0)
    grey = encoding.encode(np.full((60, 80, 3), 90, np.uint8), "png")
    assert all((random_view(grey, SIZE, (number,), strength) == 90).all() for number in range(10))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 1.0])
def test_a_blend_is_the_rounded_weighted_mean(weight: float) -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (3, 8, 10, 3), np.uint8) for _ in range(2))
    mean = weight * first.astype(float) + (1 - weight) * second
    blended = blend(first, second, weight)
    assert blended.dtype == np.uint8 and blended.shape == first.shape
    assert np.abs(blended - mean).max() <= 0.5 + 1e-4
