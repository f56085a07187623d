"""Augmentation: reproducible, confined to memory, and gentle enough to leave a lesion a lesion."""

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
    """A bright disc beside a dark one: no two of its eight orientations are alike."""
    rows, columns = np.mgrid[:48, :48]
    picture = np.full((48, 48, 3), 120, np.uint8)
    picture[(rows - 16) ** 2 + (columns - 20) ** 2 < 60] = (250, 200, 180)
    picture[(rows - 30) ** 2 + (columns - 34) ** 2 < 30] = (20, 10, 10)
    return picture


def test_one_key_is_one_picture(pixels: np.ndarray) -> None:
    first = [augment(pixels, (1, 2, index)) for index in range(20)]
    random.seed()
    np.random.seed()
    assert np.array_equal(first, [augment(pixels, (1, 2, index)) for index in range(20)])


def test_every_number_of_the_key_counts(pixels: np.ndarray) -> None:
    pictures = {augment(pixels, key).tobytes() for key in [(0, 0, 0), (5, 0, 0), (0, 5, 0), (0, 0, 5)]}
    assert len(pictures) == 4


def test_shape_and_type_stay_and_the_original_is_untouched(pixels: np.ndarray) -> None:
    before = pixels.copy()
    for index in range(40):
        changed = augment(pixels, (0, 0, index))
        assert (changed.shape, changed.dtype) == (pixels.shape, np.uint8)
    assert np.array_equal(pixels, before)


def test_a_photograph_that_is_not_square_keeps_its_sides(pixels: np.ndarray) -> None:
    assert {augment(pixels[:32], (0, 0, index)).shape for index in range(20)} == {(32, 48, 3)}


def test_most_pictures_change_and_colours_stay_near(pixels: np.ndarray) -> None:
    changed = [augment(pixels, (0, 0, index)) for index in range(60)]
    assert len({picture.tobytes() for picture in changed}) > 50
    assert max(abs(float(picture.mean()) - float(pixels.mean())) for picture in changed) < 30


def test_the_global_dice_are_left_as_they_were(pixels: np.ndarray) -> None:
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


def test_threads_take_turns(pixels: np.ndarray) -> None:
    keys = [(0, 1, index) for index in range(60)]
    expected = [augment(pixels, key) for key in keys]
    with ThreadPoolExecutor(4) as pool:
        assert np.array_equal(expected, list(pool.map(lambda key: augment(pixels, key), keys)))


def test_a_view_is_the_decoded_photograph_changed() -> None:
    data, size = photograph(3), (32, 40)
    keys = [(0, 0, index) for index in range(8)]
    seen = decode(data, ImageSpec(*size))
    assert np.array_equal([augmented_view(data, size, key) for key in keys], [augment(seen, key) for key in keys])


def test_a_view_shows_the_whole_photograph_as_scoring_does() -> None:
    # With 8 quarter turns and flips among few other changes, one of many views is the decoded photograph itself.
    data = photograph(4)
    seen = decode(data, ImageSpec(24, 24))
    assert any(np.array_equal(augmented_view(data, (24, 24), (0, 0, index)), seen) for index in range(200))


def test_a_damaged_photograph_is_refused_by_its_kind() -> None:
    with pytest.raises(ImageError) as caught:
        augmented_view(photograph(3)[:200], (16, 16), (0,))
    assert caught.value.kind in (ErrorKind.TRUNCATED, ErrorKind.CORRUPT)


def test_a_variant_keeps_its_size_and_is_the_same_file_again() -> None:
    data = photograph(5, height=60, width=80)
    files = [augmented_file(data, (7, index)) for index in range(12)]
    assert files == [augmented_file(data, (7, index)) for index in range(12)]
    assert {read_header(file).upright_size for file in files} == {(80, 60), (60, 80)}
    assert len(set(files)) > 8


def test_the_import_stays_silent_where_warnings_are_errors(tmp_path: Path) -> None:
    # A fresh cache folder makes Python compile, and therefore warn, again.
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
