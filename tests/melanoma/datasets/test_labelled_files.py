"""Stated labels become slugs, and stated groups become distinct groups."""

import hashlib
from pathlib import Path

import pytest

from melanoma.datasets.labelled_files import LabelledFile, to_photographs
from melanoma.datasets.photographs import Photograph
from melanoma.errors import DataError
from tests.helpers import fill


def test_labels_become_slugs_and_a_photograph_without_a_group_is_its_own(tmp_path: Path) -> None:
    one, other = fill(tmp_path, 2)
    found = to_photographs(
        [LabelledFile("a", str(one), "Basal cell carcinoma", "L1", ("x", "y")), LabelledFile("b", str(other), "nv")]
    )
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, other)]
    assert found == [
        Photograph("a", str(one), digests[0], "basal_cell_carcinoma", "L1", ("x", "y")),
        Photograph("b", str(other), digests[1], "nevus", "b"),
    ]


def test_a_lesion_named_after_a_photograph_of_another_lesion_is_renamed(tmp_path: Path) -> None:
    one, other = fill(tmp_path, 2)
    found = to_photographs([LabelledFile("a", str(one), "nv"), LabelledFile("b", str(other), "nv", "a")])
    assert [photograph.group for photograph in found] == ["a", "group a"]


def test_a_label_without_letters_is_refused(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    with pytest.raises(DataError, match=r"label '\?' has no letter or digit"):
        to_photographs([LabelledFile("a", str(path), "?")])
