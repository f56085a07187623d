"""A data set returns its parts, its counts and a table that can be checked."""

import csv
import io

import numpy as np
import pytest

from melanoma.datasets.existing_splits import read_split
from melanoma.datasets.splits import PARTS, Dataset
from tests.helpers import ROOT
from tests.helpers.labelled import labelled, lesions


@pytest.fixture
def dataset() -> Dataset:
    photographs = lesions({"nevus": 2, "melanoma": 1}, photographs_each=1)
    return Dataset(photographs, np.array(["test", "train", "test"]))


def test_a_part_has_its_photographs_their_classes_and_their_groups(dataset: Dataset) -> None:
    photographs, truth, groups = dataset.part("test")
    assert photographs == [dataset.photographs[0], dataset.photographs[2]]
    assert truth.tolist() == [1, 0]
    assert truth.dtype == np.int64
    assert groups == ["nevus-0", "melanoma-0"]


def test_a_part_without_photographs_is_empty(dataset: Dataset) -> None:
    part = dataset.part("validation")
    assert (part.photographs, part.groups, part.truth.shape) == ([], [], (0,))


def test_labels_are_sorted_whatever_part_they_are_in(dataset: Dataset) -> None:
    assert dataset.labels == ["melanoma", "nevus"]


def test_every_label_is_counted_in_every_part(dataset: Dataset) -> None:
    assert dataset.tally() == {
        "melanoma": {"train": 0, "validation": 0, "test": 1},
        "nevus": {"train": 1, "validation": 0, "test": 1},
    }


def test_the_table_of_a_split_names_every_photograph(dataset: Dataset) -> None:
    rows = list(csv.DictReader(io.StringIO(dataset.to_csv().decode())))
    assert [row["part"] for row in rows] == ["test", "train", "test"]
    assert rows[1] == {
        "image_id": "nevus-1-0",
        "sha256": "nevus-1-0",
        "label": "nevus",
        "group": "nevus-1",
        "part": "train",
    }


def test_the_table_quotes_names_with_commas(dataset: Dataset) -> None:
    text = Dataset([labelled("a,b", group='L"1')], np.array(["train"])).to_csv().decode()
    assert list(csv.reader(io.StringIO(text)))[1] == ["a,b", "a,b", "nevus", 'L"1', "train"]


def test_the_published_splits_agree_and_no_lesion_is_in_two_parts() -> None:
    part_of: dict[str, set[str]] = {}
    for name in ("ham10000", "isic9"):
        path = ROOT / "docs" / "splits" / f"{name}.csv"
        known = read_split(str(path))
        assert set(known.by_group.values()) == set(PARTS)
        with path.open() as file:
            for row in csv.DictReader(file):
                for key in (row["image_id"], row["group"]):
                    part_of.setdefault(key, set()).add(row["part"])
    assert len(part_of) > 10_000
    assert all(len(parts) == 1 for parts in part_of.values())
