"""Out-of-distribution images: reproducible, different from each other, and true to their kind."""

import numpy as np
import pytest

from melanoma.images.pixels import Pixels
from melanoma.training.calibration.ood_images import KINDS, generate, scenes

SIZE = (24, 32)


@pytest.mark.parametrize("kind", list(KINDS))
def test_images_of_a_kind_differ_and_a_seed_reproduces_them(kind: str) -> None:
    images = generate(kind, 12, SIZE, seed=3)
    assert images.shape == (12, *SIZE, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, generate(kind, 12, SIZE, seed=3))
    assert len({image.tobytes() for image in images}) > 8
    assert (generate(kind, 12, SIZE, seed=4) != images).any()


@pytest.mark.parametrize("kind", list(KINDS))
def test_more_images_begin_with_the_same_ones(kind: str) -> None:
    np.testing.assert_array_equal(generate(kind, 5, SIZE, seed=1)[:2], generate(kind, 2, SIZE, seed=1))


@pytest.mark.parametrize("kind", list(KINDS))
def test_any_size_can_be_generated(kind: str) -> None:
    assert generate(kind, 1, (200, 160), seed=0).shape == (1, 200, 160, 3)


def test_kinds_differ_from_each_other_and_keep_the_order_that_seeds_them() -> None:
    assert list(KINDS) == ["blank", "noise", "gradient", "pattern", "text", "drawing", "screen", "scene"]
    assert len({generate(kind, 1, SIZE, seed=0).tobytes() for kind in KINDS}) == 8


def spread(images: Pixels) -> np.ndarray:
    """Standard deviation over the pixels of each image, averaged over the channels."""
    deviations: np.ndarray = images.astype(float).std(axis=(1, 2)).mean(axis=1)
    return deviations


def test_blank_images_have_one_colour_up_to_faint_noise() -> None:
    images = generate("blank", 40, SIZE, seed=0)
    assert spread(images).max() < 3
    assert images.mean(axis=(1, 2)).std(axis=0).min() > 30  # but every image another one


def test_noise_has_grains_of_one_to_eight_pixels() -> None:
    images = generate("noise", 40, (32, 32), seed=0)
    assert spread(images).min() > 10
    grains = set()
    for image in images:
        changes = np.flatnonzero((np.diff(image.astype(int), axis=1) != 0).any(axis=(0, 2))) + 1
        grains.add(int(np.gcd.reduce(changes)))
    assert grains == {1, 2, 4, 8}
    is_grey = (images.min(axis=3) == images.max(axis=3)).all(axis=(1, 2))
    assert 5 < is_grey.sum() < 35


def test_a_gradient_reaches_both_of_its_colours_smoothly() -> None:
    images = generate("gradient", 20, (40, 40), seed=0).astype(int)
    for axis in (1, 2):
        assert np.abs(np.diff(images, axis=axis)).max() < 255 / 20
    assert np.median(np.ptp(images, axis=(1, 2)).max(axis=1)) > 80


def test_a_pattern_has_two_colours() -> None:
    for image in generate("pattern", 20, (80, 80), seed=0):
        assert len(np.unique(image.reshape(-1, 3), axis=0)) == 2


def test_scenes_are_parts_of_three_photographs() -> None:
    assert [scene.shape for scene in scenes()] == [(512, 512, 3)] * 3
    assert len({scene.tobytes() for scene in scenes()}) == 3
    assert spread(generate("scene", 10, SIZE, seed=0)).min() > 5
