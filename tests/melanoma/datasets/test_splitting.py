"""Splits keep lesions whole and classes in proportion, and follow what is known."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.cleaning import clean
from melanoma.datasets.existing_splits import ExistingSplit, read_split
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reference import read_reference
from melanoma.datasets.splits import PARTS, Dataset
from melanoma.datasets.splitting import split
from melanoma.errors import DataError, UsageError
from tests.helpers.labelled import labelled, lesions, parts_by_group


def test_no_lesion_is_in_two_parts_and_every_class_is_in_all() -> None:
    photographs = lesions({"melanoma": 40, "nevus": 200, "dermatofibroma": 10}, photographs_each=3)
    parts = split(photographs, 0.2, 0.2, seed=3)
    assert all(len(found) == 1 for found in parts_by_group(photographs, parts).values())
    tally = Counter((p.label, part) for p, part in zip(photographs, parts.tolist(), strict=True))
    for label, count in (("melanoma", 120), ("nevus", 600), ("dermatofibroma", 30)):
        shares = [tally[label, part] / count for part in PARTS]
        assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.03)


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.3), (0.15, 0.15), (0.5, 0.25)])
def test_parts_have_the_requested_shares(validation: float, test: float) -> None:
    parts = split(lesions({"melanoma": 100, "nevus": 100}), validation, test, seed=0)
    assert np.mean(parts == "validation") == pytest.approx(validation, abs=0.01)
    assert np.mean(parts == "test") == pytest.approx(test, abs=0.01)


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (0, 0.2, "shares 0 for validation and 0.2 for test leave a part empty"),
        (0.2, 0, "leave a part empty; expected both above 0 and their sum below 1"),
        (0.5, 0.5, "leave a part empty"),
        (-0.2, 0.2, "leave a part empty"),
        (0.123, 0.2, "not whole numbers of at most 20 folds; try 0.2 and 0.2"),
    ],
)
def test_shares_that_are_not_whole_folds_are_a_usage_error(validation: float, test: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split(lesions({"melanoma": 100, "nevus": 100}), validation, test, seed=0)


def test_the_same_seed_makes_the_same_split() -> None:
    photographs = lesions({"melanoma": 40, "nevus": 60})
    first = split(photographs, 0.2, 0.2, seed=1)
    assert np.array_equal(first, split(photographs, 0.2, 0.2, seed=1))
    assert not np.array_equal(first, split(photographs, 0.2, 0.2, seed=2))


def test_a_class_too_small_to_be_split_goes_to_training_with_its_lesions() -> None:
    shared = labelled("x", "nevus", group="seborrheic_keratosis-0")
    photographs = [*lesions({"melanoma": 10, "nevus": 10, "seborrheic_keratosis": 4}), shared]
    parts = split(photographs, 0.2, 0.2, seed=0)
    rare = [p.group.startswith("seborrheic") for p in photographs]
    assert set(parts[rare]) == {"train"}
    assert set(parts) == set(PARTS)


@pytest.mark.parametrize(
    ("counts", "found"),
    [({"melanoma": 50}, "melanoma 50"), ({"melanoma": 50, "nevus": 2}, "melanoma 50, nevus 2"), ({}, "none")],
)
def test_fewer_than_two_classes_that_can_be_split_are_refused(counts: dict[str, int], found: str) -> None:
    with pytest.raises(DataError, match=f"cleaning: {found}; expected at least 5 in each of 2 classes"):
        split(lesions(counts), 0.2, 0.2, seed=0)


def in_folders(parts: dict[str, int]) -> list[Photograph]:
    """Returns photographs of two classes whose folders state a part, `count` of each class."""
    return [
        labelled(f"{part}-{label}-{number}", label, part=part)
        for part, count in parts.items()
        for label in ("melanoma", "nevus")
        for number in range(count)
    ]


def test_parts_that_folders_state_are_kept_and_validation_is_taken_from_training() -> None:
    photographs = in_folders({"train": 40, "test": 10})
    parts = split(photographs, 0.2, 0.2, seed=0)
    stated = np.array([photograph.part for photograph in photographs])
    assert set(parts[stated == "test"]) == {"test"}
    assert Counter(parts[stated == "train"].tolist()) == {"train": 64, "validation": 16}


def test_three_parts_that_folders_state_are_kept_exactly() -> None:
    photographs = in_folders({"train": 3, "validation": 2, "test": 1})
    assert split(photographs, 0.2, 0.2, seed=0).tolist() == [photograph.part for photograph in photographs]


def test_photographs_from_elsewhere_are_split_beside_those_whose_folders_state_a_part() -> None:
    photographs = [*in_folders({"train": 5, "test": 5}), *lesions({"melanoma": 20, "nevus": 20}, 1)]
    parts = split(photographs, 0.2, 0.2, seed=0)
    assert parts[:20].tolist() == ["train"] * 10 + ["test"] * 10
    assert Counter(parts[20:].tolist()) == {"train": 24, "validation": 8, "test": 8}


def test_a_file_name_in_two_folders_is_left_to_the_search_for_leaks_but_a_lesion_is_refused() -> None:
    twice = [labelled("1", part="train"), labelled("1", "melanoma", part="test"), labelled("2", part="validation")]
    assert split(twice, 0.2, 0.2, seed=0).tolist() == ["train", "test", "validation"]
    lesion = [labelled("1", group="L", part="train"), labelled("2", group="L", part="test")]
    with pytest.raises(DataError, match="group L is in train and in test"):
        split(lesion, 0.2, 0.2, seed=0)


def test_an_existing_split_is_followed_and_the_rest_is_split(tmp_path: Path) -> None:
    photographs = lesions({"melanoma": 60, "nevus": 90})
    parts = split(photographs, 0.2, 0.2, seed=0)
    table = tmp_path / "split.csv"
    table.write_bytes(Dataset(photographs[:40], parts[:40]).to_csv())
    again = split(photographs, 0.2, 0.2, seed=5, existing=read_split(str(table)))
    assert again[:40].tolist() == parts[:40].tolist()
    assert again.tolist() != parts.tolist()
    assert all(len(found) == 1 for found in parts_by_group(photographs, again).values())


def test_an_existing_split_may_list_every_photograph() -> None:
    photographs = lesions({"melanoma": 3})
    by_id = {p.image_id: part for p, part in zip(photographs[::2], PARTS, strict=True)}
    assert split(photographs, 0.2, 0.2, seed=0, existing=ExistingSplit(by_id)).tolist() == [
        part for part in PARTS for _ in range(2)
    ]


def test_an_existing_split_with_a_lesion_in_two_parts_is_refused() -> None:
    existing = ExistingSplit({"melanoma-0-0": "train", "melanoma-0-1": "test"})
    with pytest.raises(DataError, match="group melanoma-0 is in train and in test of the existing split"):
        split(lesions({"melanoma": 30, "nevus": 30}), 0.2, 0.2, seed=0, existing=existing)


def test_the_real_photographs_are_split_without_a_lesion_in_two_parts(data: Path) -> None:
    reference = read_reference(str(data / "ham10000/metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    found = read_folders(str(data / "isic9/Train")) + read_folders(str(data / "isic9/Test"))
    photographs, _ = clean(found, reference)
    parts = split(photographs, 0.2, 0.2, seed=0)
    assert all(len(found) == 1 for found in parts_by_group(photographs, parts).values())
    of_lesion = [(reference.group_of.get(p.image_id), part) for p, part in zip(photographs, parts, strict=True)]
    assert len({pair for pair in of_lesion if pair[0]}) == len({lesion for lesion, _ in of_lesion if lesion})
