"""Folders named like parts of a split are told apart from folders of classes, or refused with what to do."""

import re

import pytest

from melanoma.datasets.split_folders import (
    FolderMeaning,
    describe_parts,
    part_named,
    parts_without_classes,
    read_folder_names,
)
from melanoma.errors import DataError
from tests.helpers.labelled import labelled


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ("train Training TRAIN trn train_images Training-Data trainset ISIC2018_Task3_Training_Input", "train"),
        ("val valid validation Validation dev development val2 images_val", "validation"),
        ("test Testing TEST tst holdout hold-out held_out test_set TestImages", "test"),
        ("nevus melanoma attest trained testicular images data set test_class part_1 ISIC Valentina device", ""),
    ],
)
def test_names_of_parts_in_any_case_and_spelling(names: str, part: str) -> None:
    assert {name: part_named(name) for name in names.split()} == dict.fromkeys(names.split(), part)


def test_folds_are_parts_of_their_own() -> None:
    assert [part_named(name) for name in ("fold0", "Fold 3", "KFold_2", "cv1", "split4", "manifold")] == [
        *("fold0", "fold_3", "kfold_2", "cv1", "split4", "")
    ]


@pytest.mark.parametrize(
    ("folders", "meanings"),
    [
        (["nevus", "melanoma/clinic 1"], [("nevus", ""), ("melanoma", "")]),
        (["Train/nevus", "Test/nevus/a", "val/mel"], [("nevus", "train"), ("nevus", "test"), ("mel", "validation")]),
        (["images/train/nevus", "images/test/mel"], [("nevus", "train"), ("mel", "test")]),
        (["a/b/train/nevus", "a/b/test/mel"], [("nevus", "train"), ("mel", "test")]),
        (["nevus/train", "mel/test"], [("nevus", "train"), ("mel", "test")]),
        (["nevus/train/p1", "mel/test/p2"], [("nevus", "train"), ("mel", "test")]),
        (["nevus/train", "nevus/test"], [("nevus", "train"), ("nevus", "test")]),
        (["Train/nevus", "Train/mel"], [("nevus", "train"), ("mel", "train")]),
        (["fold0/nevus", "fold1/nevus"], [("nevus", "fold0"), ("nevus", "fold1")]),
        (["nevus/clinic/test", "mel/clinic"], [("nevus", ""), ("mel", "")]),
    ],
)
def test_classes_and_parts_by_the_layout_of_the_folders(folders: list[str], meanings: list[tuple[str, str]]) -> None:
    paths = [f"{folder}/{number}.jpg" for number, folder in enumerate(folders)]
    assert read_folder_names("data", paths) == [FolderMeaning(*meaning) for meaning in meanings]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["nevus", "melanoma", "test"], r"'test' is named like a part of a split, but beside 'melanoma', 'nevus', wh"),
        (["nevus", "Train/nevus", "Test/nevus"], r"'Test', 'Train' are named like a part .* beside 'nevus', which is"),
        (["nevus/train", "melanoma"], r"'train' is named like a part of a split, but beside 'melanoma', which is not"),
        (["nevus/train", "mel/clinic 1"], r"beside 'mel/clinic 1', which is not; expected only class folders, or only"),
        (["train", "test"], r"'train' is named like a part of a split and holds photographs, expected class folders"),
        (["train/nevus", "test"], r"'test' is named like a part .* such as test/<class>/1\.jpg"),
        (["a/train/nevus", "b/train/nevus"], r"'a', 'b' each hold parts of a split with the same folders in them"),
        (["a", "b", "c", "d", "test"], r"beside 'a', 'b', 'c' and 1 more"),
    ],
)
def test_what_may_be_a_class_or_a_part_is_refused(folders: list[str], message: str) -> None:
    paths = [f"{folder}/{number}.jpg" for number, folder in enumerate(folders)]
    with pytest.raises(DataError, match=rf"^data: .*{message}"):
        read_folder_names("data", paths)


def test_the_remedy_for_a_class_named_test_works() -> None:
    with pytest.raises(DataError) as refused:
        read_folder_names("data", ["nevus/1.jpg", "test/2.jpg"])
    name = re.search(r"such as (\w+)$", str(refused.value))
    assert name and not part_named(name[1])


def test_without_classes_the_parts_count_only_if_every_photograph_has_one() -> None:
    assert parts_without_classes(["Train/1.jpg", "x/Test/2.jpg"]) == ["train", "test"]
    assert parts_without_classes(["Train/1.jpg", "2.jpg"]) == ["", ""]


def test_parts_are_described_with_those_taken_from_the_training_part() -> None:
    photographs = [labelled(name, part=part) for name, part in (("a", "train"), ("b", "train"), ("c", "test"))]
    assert describe_parts(photographs, ["train", "validation", "test"]) == (
        "split as the folders are named: train, test; validation taken from train, by lesion"
    )
    assert describe_parts(photographs, ["train", "train", "test"]) == "split as the folders are named: train, test"
    assert describe_parts([labelled("a")], ["train"]) == ""
