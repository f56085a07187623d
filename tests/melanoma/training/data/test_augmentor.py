"""Augmentor: reproducible, without side effects, and gentle enough to keep the diagnosis."""

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.training.data.augmentor import augment, augmented_file, augmented_view
from tests.helpers import photograph


@pytest.fixture
def pixels() -> np.ndarray:
    """A bright and a dark disc: its eight orientations all differ."""
    rows, columns = np.mgrid[:48, :48]
    image = np.full((48, 48, 3), 120, np.uint8)
    image[(rows - 16) ** 2 + (columns - 20) ** 2 < 60] = (250, 200, 180)
    image[(rows - 30) ** 2 + (columns - 34) ** 2 < 30] = (20, 10, 10)
    return image


def test_the_same_key_gives_the_same_pixels(pixels: np.ndarray) -> None:
    first = [augment(pixels, (1, 2, index)) for index in range(20)]
    random.seed()
    np.random.seed()
    assert np.array_equal(first, [augment(pixels, (1, 2, index)) for index in range(20)])


def test_every_number_of_the_key_changes_the_result(pixels: np.ndarray) -> None:
    images = {augment(pixels, key).tobytes() for key in [(0, 0, 0), (5, 0, 0), (0, 5, 0), (0, 0, 5)]}
    assert len(images) == 4


def test_shape_and_type_stay_and_the_original_is_untouched(pixels: np.ndarray) -> None:
    before = pixels.copy()
    for index in range(40):
        changed = augment(pixels, (0, 0, index))
        assert (changed.shape, changed.dtype) == (pixels.shape, np.uint8)
    assert np.array_equal(pixels, before)


def test_a_photograph_that_is_not_square_keeps_its_sides(pixels: np.ndarray) -> None:
    assert {augment(pixels[:32], (0, 0, index)).shape for index in range(20)} == {(32, 48, 3)}


def test_most_images_change_and_their_brightness_stays_close(pixels: np.ndarray) -> None:
    changed = [augment(pixels, (0, 0, index)) for index in range(60)]
    assert len({image.tobytes() for image in changed}) > 50
    assert max(abs(float(image.mean()) - float(pixels.mean())) for image in changed) < 30


def test_the_global_random_generators_are_left_as_they_were(pixels: np.ndarray) -> None:
    random.seed(11)
    np.random.seed(11)
    expected = random.random(), np.random.random()
    random.seed(11)
    np.random.seed(11)
    augment(pixels, (0, 0, 1))
    assert (random.random(), np.random.random()) == expected


def test_nothing_is_written(pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    augment(pixels, (0, 0, 1))
    assert list(tmp_path.iterdir()) == []


def test_several_threads_get_the_same_pixels(pixels: np.ndarray) -> None:
    keys = [(0, 1, index) for index in range(60)]
    expected = [augment(pixels, key) for key in keys]
    with ThreadPoolExecutor(4) as pool:
        assert np.array_equal(expected, list(pool.map(lambda key: augment(pixels, key), keys)))


def test_a_view_is_the_decoded_photograph_changed() -> None:
    data, size = photograph(3), (32, 40)
    keys = [(0, 0, index) for index in range(8)]
    seen = decode(data, ImageSpec(*size))
    assert np.array_equal([augmented_view(data, size, key) for key in keys], [augment(seen, key) for key in keys])


def test_without_changes_a_view_is_the_photograph_as_scoring_sees_it() -> None:
    # Each change has its probability, so that one of 200 views has none.
    data = photograph(4)
    seen = decode(data, ImageSpec(24, 24))
    assert any(np.array_equal(augmented_view(data, (24, 24), (0, 0, index)), seen) for index in range(200))


def test_a_damaged_photograph_is_refused_with_its_error_kind() -> None:
    with pytest.raises(ImageError) as caught:
        augmented_view(photograph(3)[:200], (16, 16), (0,))
    assert caught.value.kind in (ErrorKind.TRUNCATED, ErrorKind.CORRUPT)


def test_an_augmented_file_keeps_the_size_and_is_reproducible() -> None:
    data = photograph(5, height=60, width=80)
    files = [augmented_file(data, (7, index)) for index in range(12)]
    assert files == [augmented_file(data, (7, index)) for index in range(12)]
    assert {read_header(file).upright_size for file in files} == {(80, 60), (60, 80)}
    assert len(set(files)) > 8


def test_generators_are_restored_even_after_an_error() -> None:
    random.seed(3)
    state = random.getstate()
    with pytest.raises((TypeError, ValueError, AttributeError)):
        augment(np.zeros((4, 4, 3), np.complex128), (1,))  # type: ignore[arg-type]
    assert random.getstate() == state


def test_quarter_turns_and_flips_show_all_eight_orientations(pixels: np.ndarray) -> None:
    turned = [np.rot90(image, turns) for image in (pixels, pixels[:, ::-1]) for turns in range(4)]
    images = [augment(pixels, (2, 0, index)) for index in range(400)]
    shown = [[np.array_equal(image, orientation) for orientation in turned] for image in images]
    assert np.any(shown, axis=0).all()
    assert 20 < np.any(shown, axis=1).sum() < 120  # an eighth has no rotation, zoom or contrast


def test_an_augmented_file_is_a_plain_jpeg_of_the_photograph() -> None:
    data = photograph(6, "png", height=48, width=64)
    files = [augmented_file(data, (0, index)) for index in range(40)]
    headers = {read_header(file).format for file in files}
    assert headers == {read_header(photograph(6)).format}
    assert not [file for file in files if b"Exif" in file]
    original = decode(data, ImageSpec(48, 64)).astype(int)
    nearest = min(
        np.abs(decode(file, ImageSpec(48, 64)).astype(int) - original).mean()
        for file in files
        if read_header(file).upright_size == (64, 48)
    )
    assert nearest < 4  # one of them has changed by nothing but compression


def test_the_import_raises_no_warning(tmp_path: Path) -> None:
    # Without a cache Python compiles Augmentor again, which is when it warns.
    command = [
        sys.executable,
        "-W",
        "error",
        "-X",
        f"pycache_prefix={tmp_path}",
        "-c",
        "import melanoma.training.data.augmentor",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
