"""The files of photographs, their digests and their pixels."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.folders import read_folders
from melanoma.datasets.photographs import every_file, file_digests, load_pixels, read_file
from melanoma.errors import DataError, ImageError
from melanoma.images.decoding import ImageSpec, decode
from tests.helpers import fill, photograph
from tests.helpers.labelled import labelled


def test_pixels_are_those_of_scoring(tmp_path: Path) -> None:
    paths = fill(tmp_path / "nv", 3)
    spec = ImageSpec(24, 32, crop=1.0)
    pixels = load_pixels(read_folders(str(tmp_path)), spec)
    assert pixels.shape == (3, 24, 32, 3)
    assert pixels.dtype == np.uint8
    assert all(np.array_equal(row, decode(path.read_bytes(), spec)) for row, path in zip(pixels, paths, strict=True))


def test_pixels_of_no_photograph_are_an_empty_array() -> None:
    assert load_pixels([], ImageSpec(24, 32)).shape == (0, 24, 32, 3)


def test_pixels_of_damaged_bytes_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    (tmp_path / "nv" / "a-cut.jpg").write_bytes(photograph(9)[:200])
    with pytest.raises(ImageError):
        load_pixels(read_folders(str(tmp_path)), ImageSpec(24, 32))


def test_further_files_follow_the_photographs_and_know_their_owners(tmp_path: Path) -> None:
    paths = fill(tmp_path, 3)
    first = replace(labelled("a", "melanoma", "1", "L1"), other_uris=(str(paths[0]), str(paths[1])))
    second = labelled("b")
    third = replace(labelled("c"), other_uris=(str(paths[2]),))
    files, owners = every_file([first, second, third])
    assert files[:3] == [first, second, third]
    assert owners == [0, 1, 2, 0, 0, 2]
    assert [file.uri for file in files[3:]] == [str(path) for path in paths]
    assert [file.sha256 for file in files[3:]] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert [(file.image_id, file.label, file.group, file.other_uris) for file in files[3:]] == [
        ("a", "melanoma", "L1", ()),
        ("a", "melanoma", "L1", ()),
        ("c", "nevus", "c", ()),
    ]


def test_a_further_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent"):
        every_file([replace(labelled("a"), other_uris=(str(tmp_path / "absent.jpg"),))])


def test_digests_are_those_of_the_bytes_in_order(tmp_path: Path) -> None:
    for name, data in (("b", b"two"), ("a", b"one")):
        (tmp_path / name).write_bytes(data)
    assert file_digests([str(tmp_path / "b"), str(tmp_path / "a")]) == [
        "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    ]


def test_a_missing_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jpg: .*no such file.*; check the path and its permissions"):
        read_file(str(tmp_path / "absent.jpg"))
