"""A new split follows one that was made before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.existing_splits import ExistingSplit, follow_split, read_split
from melanoma.datasets.splits import Dataset
from melanoma.errors import DataError, UsageError
from tests.helpers.labelled import labelled, lesions


def table(folder: Path, rows: str, header: str = "image_id,group,part") -> str:
    (folder / "split.csv").write_text(f"{header}\n{rows}")
    return str(folder / "split.csv")


def test_what_a_data_set_writes_is_read_back(tmp_path: Path) -> None:
    photographs = [labelled("a", content="1", group="L1"), labelled("b", content="2")]
    (tmp_path / "split.csv").write_bytes(Dataset(photographs, np.array(["train", "test"])).to_csv())
    assert read_split(str(tmp_path / "split.csv")) == ExistingSplit(
        by_id={"a": "train", "b": "test"},
        by_group={"L1": "train", "b": "test"},
        by_content={"1": "train", "2": "test"},
    )


def test_a_list_by_hand_needs_neither_groups_nor_digests(tmp_path: Path) -> None:
    found = read_split(table(tmp_path, "a,,train\nb,unknown,test\n"))
    assert found == ExistingSplit(by_id={"a": "train", "b": "test"})


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ("a,L1,train\na,L1,test\n", "image_id,group,part", "a is in train and in test; this split leaks"),
        ("a,L1,train\nb,L1,test\n", "image_id,group,part", "L1 is in train and in test; this split leaks"),
        ("a,,train,0f\nb,,test,0f\n", "image_id,group,part,sha256", "0f is in train and in test; this split leaks"),
        ("a,L1,holdout\n", "image_id,group,part", "column part has 'holdout'; expected train, validation, test"),
        ("a,L1,\nb,L1,test\n", "image_id,group,part", "1 of 2 rows have no image_id or no part"),
        (",L1,test\n", "image_id,group,part", "1 of 1 rows have no image_id or no part"),
    ],
)
def test_an_ambiguous_split_is_refused(tmp_path: Path, rows: str, header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_split(table(tmp_path, rows, header))


def test_a_split_without_its_columns_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'part', expected one; .* image_id, group"):
        read_split(table(tmp_path, "a,L1\n", "image_id,group"))


def test_other_views_of_a_lesion_follow_it() -> None:
    existing = ExistingSplit({"melanoma-0-1": "test"})
    assert follow_split(lesions({"melanoma": 2}), existing).tolist() == ["test", "test", "", ""]


def test_a_photograph_with_another_name_follows_its_lesion_or_its_bytes() -> None:
    photographs = [replace(p, image_id=f"{p.image_id}(1)") for p in lesions({"melanoma": 2})]
    by_group = ExistingSplit(by_group={"melanoma-0": "test"})
    by_content = ExistingSplit(by_content={"melanoma-0-0": "test"})
    assert follow_split(photographs, by_group).tolist() == ["test", "test", "", ""]
    assert follow_split(photographs, by_content).tolist() == ["test", "test", "", ""]


def test_the_id_takes_precedence_over_the_bytes_and_the_bytes_over_the_group() -> None:
    photograph = labelled("a", content="1", group="L1")
    existing = ExistingSplit({"a": "train"}, {"L1": "test"}, {"1": "validation"})
    assert existing.part_of(photograph, "L1") == "train"
    assert replace(existing, by_id={}).part_of(photograph, "L1") == "validation"
    assert replace(existing, by_id={}, by_content={}).part_of(photograph, "L1") == "test"
    assert ExistingSplit().part_of(photograph, "L1") == ""


def test_a_group_is_known_with_and_without_its_prefix() -> None:
    existing = ExistingSplit(by_group={"a": "test"})
    assert existing.part_of(labelled("b", group="group a"), "group a") == "test"


def test_joined_groups_follow_unless_the_existing_split_separates_them() -> None:
    """`a` and `b` were stated as two lesions and only look alike; the existing split has them in two parts."""
    photographs = [labelled(name, group="L1") for name in "abc"]
    existing = ExistingSplit({"a": "train", "b": "test"})
    assert follow_split(photographs, existing, ["L1", "L2", "L3"]).tolist() == ["train", "test", "train"]
    with pytest.raises(DataError, match="group L1 is in train and in test of the existing split"):
        follow_split(photographs, existing)


def test_an_empty_split_assigns_no_photograph() -> None:
    assert follow_split(lesions({"nevus": 1}), ExistingSplit()).tolist() == ["", ""]
    assert follow_split([], ExistingSplit()).tolist() == []


def test_a_lesion_named_after_one_of_its_photographs_is_refused_in_two_parts_too() -> None:
    photographs = [labelled("b", group="a"), labelled("a")]
    with pytest.raises(DataError, match="group a is in test and in train of the existing split"):
        follow_split(photographs, ExistingSplit(by_id={"a": "train", "b": "test"}))
