"""Splits that keep lesions whole, and agree with those that are settled."""

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.cleaning import clean
from melanoma.datasets.existing_splits import ExistingSplit, follow_split, read_split
from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reference import read_reference
from melanoma.datasets.splits import PARTS, Dataset
from melanoma.datasets.splitting import split
from melanoma.errors import DataError, UsageError
from tests.helpers import ROOT


def lesions(counts: dict[str, int], photographs_each: int = 2) -> list[Photograph]:
    return [
        Photograph(f"{label}-{i}-{view}", "", f"{label}-{i}-{view}", label, f"{label}-{i}")
        for label, count in counts.items()
        for i in range(count)
        for view in range(photographs_each)
    ]


def parts_by_group(photographs: list[Photograph], parts: np.ndarray) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for photograph, part in zip(photographs, parts.tolist(), strict=True):
        found.setdefault(photograph.group, set()).add(part)
    return found


def test_no_lesion_is_on_two_sides_and_every_class_is_on_all() -> None:
    photographs = lesions({"melanoma": 40, "nevus": 200, "dermatofibroma": 10}, photographs_each=3)
    parts = split(photographs, 0.2, 0.2, seed=3)
    assert all(len(found) == 1 for found in parts_by_group(photographs, parts).values())
    tally = Counter((p.label, part) for p, part in zip(photographs, parts.tolist(), strict=True))
    for label, count in (("melanoma", 120), ("nevus", 600), ("dermatofibroma", 30)):
        shares = [tally[label, part] / count for part in PARTS]
        assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.03)


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.3), (0.15, 0.15), (0.5, 0.25)])
def test_shares_are_those_that_are_asked_for(validation: float, test: float) -> None:
    parts = split(lesions({"melanoma": 100, "nevus": 100}), validation, test, seed=0)
    assert np.mean(parts == "validation") == pytest.approx(validation, abs=0.01)
    assert np.mean(parts == "test") == pytest.approx(test, abs=0.01)


@pytest.mark.parametrize(("validation", "test"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (-0.2, 0.2), (0.123, 0.2)])
def test_shares_that_cannot_be_cut_are_a_usage_error(validation: float, test: float) -> None:
    with pytest.raises(UsageError, match="shares"):
        split(lesions({"melanoma": 100, "nevus": 100}), validation, test, seed=0)


def test_one_seed_is_one_split() -> None:
    photographs = lesions({"melanoma": 40, "nevus": 60})
    first = split(photographs, 0.2, 0.2, seed=1)
    assert np.array_equal(first, split(photographs, 0.2, 0.2, seed=1))
    assert not np.array_equal(first, split(photographs, 0.2, 0.2, seed=2))


def test_a_class_too_small_to_be_split_goes_to_training_with_its_lesions() -> None:
    shared = Photograph("x", "", "x", "nevus", "seborrheic_keratosis-0")
    photographs = [*lesions({"melanoma": 10, "nevus": 10, "seborrheic_keratosis": 4}), shared]
    parts = split(photographs, 0.2, 0.2, seed=0)
    rare = [p.group.startswith("seborrheic") for p in photographs]
    assert set(parts[rare]) == {"train"}
    assert set(parts) == set(PARTS)


@pytest.mark.parametrize("counts", [{"melanoma": 50}, {"melanoma": 50, "nevus": 2}, {}])
def test_fewer_than_two_classes_of_use_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(DataError, match="expected at least 5 in each of 2 classes"):
        split(lesions(counts), 0.2, 0.2, seed=0)


def test_the_real_split_leaks_no_lesion(data: Path) -> None:
    reference = read_reference(str(data / "ham10000/metadata.csv"), Columns("image_id", "dx", "lesion_id"))
    found = read_folders(str(data / "isic9/Train")) + read_folders(str(data / "isic9/Test"))
    photographs, _ = clean(found, reference)
    parts = split(photographs, 0.2, 0.2, seed=0)
    assert all(len(found) == 1 for found in parts_by_group(photographs, parts).values())
    of_lesion = [(reference.group_of.get(p.image_id), part) for p, part in zip(photographs, parts, strict=True)]
    assert len({pair for pair in of_lesion if pair[0]}) == len({lesion for lesion, _ in of_lesion if lesion})


def test_a_data_set_gives_its_parts_and_a_table_that_can_be_checked() -> None:
    photographs = lesions({"nevus": 2, "melanoma": 1}, photographs_each=1)
    dataset = Dataset(photographs, np.array(["test", "train", "test"]))
    of_test, truth, groups = dataset.part("test")
    assert dataset.labels == ["melanoma", "nevus"]
    assert of_test == [photographs[0], photographs[2]]
    assert truth.tolist() == [1, 0]
    assert groups == ["nevus-0", "melanoma-0"]
    assert dataset.tally()["nevus"] == {"train": 1, "validation": 0, "test": 1}
    rows = list(csv.DictReader(io.StringIO(dataset.to_csv().decode())))
    assert [row["part"] for row in rows] == ["test", "train", "test"]
    assert rows[1] == {
        "image_id": "nevus-1-0",
        "sha256": "nevus-1-0",
        "label": "nevus",
        "group": "nevus-1",
        "part": "train",
    }


def test_a_settled_split_is_followed_and_the_rest_is_split(tmp_path: Path) -> None:
    photographs = lesions({"melanoma": 60, "nevus": 90})
    parts = split(photographs, 0.2, 0.2, seed=0)
    table = tmp_path / "split.csv"
    table.write_bytes(Dataset(photographs[:40], parts[:40]).to_csv())
    known = read_split(str(table))
    again = split(photographs, 0.2, 0.2, seed=5, existing=known)
    assert again[:40].tolist() == parts[:40].tolist()
    assert again.tolist() != parts.tolist()
    assert all(len(found) == 1 for found in parts_by_group(photographs, again).values())


def test_a_settled_split_may_settle_everything() -> None:
    photographs = lesions({"melanoma": 3})
    known = {p.image_id: part for p, part in zip(photographs[::2], PARTS, strict=True)}
    assert split(photographs, 0.2, 0.2, seed=0, existing=ExistingSplit(known)).tolist() == [
        part for part in PARTS for _ in range(2)
    ]


def test_other_views_of_a_lesion_follow_it() -> None:
    photographs = lesions({"melanoma": 2})
    assert follow_split(photographs, ExistingSplit({"melanoma-0-1": "test"})).tolist() == ["test", "test", "", ""]


def test_a_settled_split_with_a_lesion_on_two_sides_is_refused() -> None:
    known = {"melanoma-0-0": "train", "melanoma-0-1": "test"}
    with pytest.raises(DataError, match="melanoma-0 is in train and in test"):
        split(lesions({"melanoma": 30, "nevus": 30}), 0.2, 0.2, seed=0, existing=ExistingSplit(known))


def test_a_photograph_under_another_name_follows_its_lesion() -> None:
    photographs = [replace(p, image_id=f"{p.image_id}(1)") for p in lesions({"melanoma": 2})]
    existing = ExistingSplit(by_group={"melanoma-0": "test"})
    assert follow_split(photographs, existing).tolist() == [
        "test",
        "test",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,L1,train\na,L1,test\n", "a is in train and in test"),
        ("a,L1,train\nb,L1,test\n", "L1 is in train and in test"),
        ("a,L1,holdout\n", "column part has .holdout.; expected train"),
    ],
)
def test_a_table_of_parts_must_be_clear(tmp_path: Path, rows: str, message: str) -> None:
    (tmp_path / "split.csv").write_text("image_id,group,part\n" + rows)
    with pytest.raises(DataError, match=message):
        read_split(str(tmp_path / "split.csv"))


def test_the_splits_that_are_committed_agree_and_leak_no_lesion() -> None:
    folder = ROOT / "docs" / "splits"
    side_of: dict[str, set[str]] = {}
    for name in ("ham10000", "isic9"):
        with (folder / f"{name}.csv").open() as file:
            for row in csv.DictReader(file):
                for key in (row["image_id"], row["group"]):
                    side_of.setdefault(key, set()).add(row["part"])
    assert len(side_of) > 10_000
    assert all(len(sides) == 1 for sides in side_of.values())
