"""The data loader: the same pixels in threads and in processes, whatever else is in the batch."""

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.photographs import Photograph
from melanoma.errors import DataError, ImageError
from melanoma.images import encoding
from melanoma.training.data.loader import DataLoader
from melanoma.training.data.policies import POLICIES, AugmentationPolicy
from tests.helpers import coloured

POLICY = POLICIES["views"]
KEYS = [(0, 1, number) for number in range(5)]


def _raw(data: bytes, size: tuple[int, int], key: tuple[int, ...]) -> np.ndarray:
    """Returns the last bytes of the file instead of pixels, to tell which file was read."""
    return np.resize(np.frombuffer(data[-8:], np.uint8), (*size, 3))


UNCHANGED = AugmentationPolicy("unchanged", _raw, threads=3)


@pytest.fixture
def photographs(tmp_path: Path) -> list[Photograph]:
    return coloured.write(tmp_path, "nevus", 5)


def test_processes_load_the_same_pixels_and_stop_at_the_end(photographs: list[Photograph]) -> None:
    with DataLoader(POLICY, processes=1) as loader:
        pixels = loader.load(photographs, coloured.SIZE, KEYS)
        assert multiprocessing.active_children()
    assert np.array_equal(pixels, DataLoader(POLICY).load(photographs, coloured.SIZE, KEYS))
    assert not multiprocessing.active_children()


def test_each_photograph_is_augmented_by_its_key(photographs: list[Photograph]) -> None:
    pixels = DataLoader(POLICY).load([photographs[0]] * 5, (20, 24), KEYS)
    assert len({image.tobytes() for image in pixels}) == 5
    data = Path(photographs[0].uri).read_bytes()
    for image, key in zip(pixels, KEYS, strict=True):
        assert np.array_equal(image, POLICY.apply(data, (20, 24), key))


def test_as_many_batches_as_processes_or_useful_threads_may_be_requested_at_a_time() -> None:
    assert DataLoader(UNCHANGED).workers == 3
    assert DataLoader(UNCHANGED, processes=7).workers == 7


def test_a_photograph_looks_the_same_in_every_batch(photographs: list[Photograph]) -> None:
    loader = DataLoader(POLICY)
    whole = loader.load(photographs, (20, 24), KEYS)
    assert whole.shape == (5, 20, 24, 3) and whole.dtype == np.uint8
    for number, (photograph, key) in enumerate(zip(photographs, KEYS, strict=True)):
        assert np.array_equal(loader.load([photograph], (20, 24), [key])[0], whole[number])
    backwards = loader.load(photographs[::-1], (20, 24), KEYS[::-1])
    assert np.array_equal(backwards[::-1], whole)


def test_a_quarter_of_the_draws_reads_another_file_of_the_photograph(tmp_path: Path) -> None:
    (photograph,) = coloured.write(tmp_path, "melanoma", 1)
    others = []
    for number in (1, 2):
        path = tmp_path / f"other-{number}"
        path.write_bytes(bytes([number] * 8))
        others.append(str(path))
    keys = [(0, 0, number) for number in range(400)]
    with_others = replace(photograph, other_uris=tuple(others))
    first = DataLoader(UNCHANGED).load([with_others] * 400, (2, 2), keys)[:, 0, 0, 0]
    counts = [int((first == number).sum()) for number in (1, 2)]
    assert 75 < sum(counts) < 125 and min(counts) > 30
    assert set(DataLoader(UNCHANGED).load([photograph] * 400, (2, 2), keys)[:, 0, 0, 0]).isdisjoint({1, 2})


def test_every_photograph_needs_its_key(photographs: list[Photograph]) -> None:
    with pytest.raises(ValueError, match="zip"):
        DataLoader(POLICY).load(photographs, coloured.SIZE, KEYS[:4])


def test_files_that_cannot_be_used_are_errors(photographs: list[Photograph], tmp_path: Path) -> None:
    loader, key = DataLoader(POLICY), KEYS[:1]
    with pytest.raises(DataError):
        loader.load([replace(photographs[0], uri=str(tmp_path / "absent.png"))], coloured.SIZE, key)
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(encoding.encode(np.zeros((40, 40, 3), np.uint8), "png")[:60])
    with pytest.raises(ImageError):
        loader.load([replace(photographs[0], uri=str(damaged))], coloured.SIZE, key)
