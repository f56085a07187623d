"""Sets are read from folders and tables, named apart, and completed by a reference."""

from pathlib import Path

import pytest

from melanoma.audit.sets import SetOptions, read_sets, set_names
from melanoma.datasets.label_tables import Columns
from melanoma.errors import DataError, UsageError
from tests.helpers import fill
from tests.helpers.labelled import labelled, set_of


def test_set_names_are_the_shortest_distinct_ends_of_their_uris() -> None:
    assert set_names(["/a/train", "/a/test/"]) == ["train", "test"]
    assert set_names(["/a/x/train", "/a/y/train"]) == ["x/train", "y/train"]
    assert set_names(["train"]) == ["train"]
    with pytest.raises(UsageError, match="a set is given twice; give each set once"):
        set_names(["/a/train", "/a/../a/train/"])


def test_a_side_is_the_set_and_its_part_where_it_has_one() -> None:
    assert set_of(labelled("a"), labelled("b"), name="all", parts=("train", "")).sides == ["all: train", "all"]


def test_folders_are_read_one_after_the_other(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "nevus", 2)
    fill(tmp_path / "test" / "melanoma", 1, first=10)
    uris = [str(tmp_path / "train"), str(tmp_path / "test")]
    sets = read_sets(uris, SetOptions())
    assert [(p.image_id, p.label) for p in sets.photographs] == [
        ("lesion-0000", "nevus"),
        ("lesion-0001", "nevus"),
        ("lesion-0010", "melanoma"),
    ]
    assert sets.names == sets.sides == ["train", "train", "test"]
    assert sets.parts == sets.known == ["", "", ""]
    assert sets.sources == dict(zip(["train", "test"], uris, strict=True))
    assert sets.absent == {"train": 0, "test": 0}


def test_a_table_assigns_parts_to_the_photographs_that_exist(tmp_path: Path) -> None:
    paths = fill(tmp_path / "photographs", 2)
    rows = [f"{paths[0].stem},nv,a", "absent,nv,b", f"{paths[1].stem},nv,c"]
    (tmp_path / "split.csv").write_text("id,dx,part\n" + "\n".join(rows) + "\n")
    options = SetOptions(Columns("id", "dx"), [str(tmp_path / "photographs")], part_column="part")
    sets = read_sets([str(tmp_path / "split.csv")], options)
    assert [photograph.image_id for photograph in sets.photographs] == [path.stem for path in paths]
    assert sets.parts == ["a", "c"]
    assert sets.absent == {"split.csv": 1}


def test_a_folder_and_a_table_may_be_audited_together(tmp_path: Path) -> None:
    fill(tmp_path / "photographs" / "nevus", 1)
    (tmp_path / "table.csv").write_text("id,dx,part\nlesion-0000,mel,test\n")
    options = SetOptions(Columns("id", "dx"), [str(tmp_path / "photographs")], part_column="part")
    sets = read_sets([str(tmp_path / "photographs"), str(tmp_path / "table.csv")], options)
    assert sets.sides == ["photographs", "table.csv: test"]
    assert [photograph.label for photograph in sets.photographs] == ["nevus", "melanoma"]


def test_a_folder_without_subfolders_gets_its_labels_only_from_a_reference(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 2)
    (tmp_path / "known.csv").write_text("id,dx,lesion\nlesion-0001,nv,L7\n")
    options = SetOptions(Columns("id", "dx", "lesion"), reference=str(tmp_path / "known.csv"))
    sets = read_sets([str(tmp_path / "photographs")], options)
    assert [(p.label, p.group) for p in sets.photographs] == [("", "lesion-0000"), ("nevus", "L7")]
    assert sets.known == ["", "nevus"]


def test_a_reference_does_not_replace_a_label(tmp_path: Path) -> None:
    fill(tmp_path / "train" / "nevus", 1)
    (tmp_path / "known.csv").write_text("id,dx\nlesion-0000,mel\n")
    options = SetOptions(Columns("id", "dx"), reference=str(tmp_path / "known.csv"))
    sets = read_sets([str(tmp_path / "train")], options)
    assert ([p.label for p in sets.photographs], sets.known) == (["nevus"], ["melanoma"])


def test_folder_names_are_not_classes_in_unlabelled_sets(tmp_path: Path) -> None:
    fill(tmp_path / "2026-01", 1)
    fill(tmp_path, 1, first=5)
    with pytest.raises(DataError, match="is outside a class folder"):
        read_sets([str(tmp_path)], SetOptions())
    assert [p.label for p in read_sets([str(tmp_path)], SetOptions(unlabelled=True)).photographs] == ["", ""]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of photographs, or a table"):
        read_sets([str(tmp_path / "nowhere")], SetOptions())
    with pytest.raises(DataError, match="no photograph below it"):
        read_sets([str(tmp_path)], SetOptions())
    with pytest.raises(UsageError, match="needs the names of its columns"):
        read_sets([str(tmp_path / "table.csv")], SetOptions())
    (tmp_path / "link.jpg").symlink_to(fill(tmp_path / "elsewhere", 1)[0])
    with pytest.raises(DataError, match="a link or a device"):
        read_sets([str(tmp_path)], SetOptions(unlabelled=True))


def test_folders_named_like_a_split_are_sides_of_one_set(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "Train" / "nevus", 2)
    fill(tmp_path / "data" / "fold1" / "nevus", 1, first=5)
    sets = read_sets([str(tmp_path / "data")], SetOptions())
    assert sorted(sets.sides) == ["data: fold1", "data: train", "data: train"]
    assert {p.label for p in sets.photographs} == {"nevus"}
    unlabelled = read_sets([str(tmp_path / "data")], SetOptions(unlabelled=True))
    assert sorted(unlabelled.sides) == sorted(sets.sides)
