"""Files become hashes in their order, and unreadable ones are named by the kind of error."""

from pathlib import Path

import numpy as np

from melanoma.audit.hash_files import hash_photographs
from melanoma.audit.perceptual_hash import near_pairs, perceptual_hash, turned_hashes
from melanoma.datasets.photographs import Photograph
from melanoma.images.decoding import ImageSpec, decode
from tests.helpers import fill, photograph

SIZE = ImageSpec(64, 64)


def of(path: Path) -> Photograph:
    return Photograph(path.stem, f"file://{path}", path.stem, "nevus", path.stem)


def test_each_photograph_has_the_hash_of_its_pixels(tmp_path: Path) -> None:
    paths = fill(tmp_path, 20)
    hashes, unreadable = hash_photographs([of(path) for path in paths])
    assert unreadable == {}
    assert hashes.shape == (20, 4)
    for path, found in zip(paths, hashes, strict=True):
        assert np.array_equal(found, perceptual_hash(decode(path.read_bytes(), SIZE)))


def test_turned_hashes_are_those_of_all_eight_orientations(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    hashes, _ = hash_photographs([of(path)], turned=True)
    assert np.array_equal(hashes, [turned_hashes(decode(path.read_bytes(), SIZE))])


def test_unreadable_files_have_an_error_and_a_hash_that_is_near_no_other(tmp_path: Path) -> None:
    paths = [*fill(tmp_path, 1), tmp_path / "cut.jpg", tmp_path / "text.jpg", tmp_path / "absent.jpg"]
    paths[1].write_bytes(photograph(1)[:300])
    paths[2].write_text("no photograph")
    hashes, unreadable = hash_photographs([of(path) for path in paths])
    assert unreadable == {1: "truncated", 2: "unsupported_format", 3: "missing"}
    assert hashes[0].any() and not hashes[1:].any()
    assert near_pairs(hashes) == []


def test_progress_is_reported_for_every_file_readable_or_not(tmp_path: Path) -> None:
    paths = [*fill(tmp_path, 2), tmp_path / "absent.jpg"]
    calls: list[None] = []
    hash_photographs([of(path) for path in paths], lambda: calls.append(None))
    assert len(calls) == 3


def test_an_empty_set_has_no_hashes() -> None:
    assert hash_photographs([]).hashes.shape == (0, 4)
    assert hash_photographs([], turned=True).hashes.shape == (0, 8, 4)
