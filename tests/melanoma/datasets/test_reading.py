"""Tables find their photographs below folders, and sources are pooled."""

from pathlib import Path

import pandas as pd
import pytest

from melanoma.datasets.label_tables import Columns
from melanoma.datasets.reading import read_sources, read_table
from melanoma.errors import DataError, UsageError
from tests.helpers import fill

COLUMNS = Columns("image_id", "dx", "lesion_id")


def write_table(path: Path, rows: list[tuple[str, str, str]]) -> str:
    frame = pd.DataFrame(rows, columns=["image_id", "dx", "lesion_id"])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return str(path)


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_a_table_finds_photographs_by_name_and_by_path(tmp_path: Path, extension: str) -> None:
    by_name, by_path = fill(tmp_path / "photographs" / "clinic", 2)
    rows = [(by_name.stem, "mel", "L1"), (f"clinic/{by_path.name}", "nv", ""), ("absent", "nv", "L3")]
    table = write_table(tmp_path / f"metadata.{extension}", rows)
    found = read_table(table, COLUMNS, [str(tmp_path / "photographs")])
    assert [(p.image_id, p.label, p.group) for p in found.photographs] == [
        (by_name.stem, "melanoma", "L1"),
        (f"clinic/{by_path.name}", "nevus", f"clinic/{by_path.name}"),
    ]
    assert found.absent == 1


def test_a_table_without_any_of_its_photographs_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 1)
    table = write_table(tmp_path / "metadata.csv", [("absent", "nv", "L3")])
    with pytest.raises(DataError, match=r"none of its 1 photographs \(absent …\) is below .*photographs; check --root"):
        read_table(table, COLUMNS, [str(tmp_path / "photographs")])


def test_an_id_that_fits_two_photographs_is_refused(tmp_path: Path) -> None:
    path = fill(tmp_path / "a", 1)[0]
    fill(tmp_path / "b", 1)
    table = write_table(tmp_path / "metadata.csv", [(path.stem, "nv", "L1")])
    with pytest.raises(DataError, match=r"could be a/.* or b/.*; give paths below the folder as ids in the table"):
        read_table(table, COLUMNS, [str(tmp_path)])


def test_a_path_tells_two_photographs_of_one_name_apart(tmp_path: Path) -> None:
    path = fill(tmp_path / "a", 1)[0]
    fill(tmp_path / "b", 1)
    table = write_table(tmp_path / "metadata.csv", [(f"b/{path.name}", "nv", "L1")])
    assert [p.uri for p in read_table(table, COLUMNS, [str(tmp_path)]).photographs] == [
        f"file://{tmp_path}/b/{path.name}"
    ]


def test_a_lesion_named_after_a_photograph_elsewhere_in_the_table_is_told_apart(tmp_path: Path) -> None:
    one, other = fill(tmp_path / "photographs", 2)
    table = write_table(tmp_path / "metadata.csv", [(one.stem, "nv", ""), (other.stem, "nv", one.stem)])
    found = read_table(table, COLUMNS, [str(tmp_path / "photographs")]).photographs
    assert [p.group for p in found] == [one.stem, f"group {one.stem}"]


def test_the_first_root_counts_and_the_others_become_further_files(tmp_path: Path) -> None:
    large, small = fill(tmp_path / "large", 1), fill(tmp_path / "small", 2)
    rows = [(path.stem, "mel", f"L{number}") for number, path in enumerate(small)]
    table = write_table(tmp_path / "metadata.csv", rows)
    found, absent, *_ = read_table(table, COLUMNS, [str(tmp_path / "large"), str(tmp_path / "small")])
    assert [p.uri for p in found] == [f"file://{large[0]}", f"file://{small[1]}"]
    assert [p.other_uris for p in found] == [(f"file://{small[0]}",), ()]
    assert absent == 0


def test_folders_and_tables_are_pooled_and_absent_rows_are_added_up(tmp_path: Path) -> None:
    fill(tmp_path / "folders" / "nevus", 1)
    path = fill(tmp_path / "photographs", 1, first=5)[0]
    tables = [
        write_table(tmp_path / f"{name}.csv", [(path.stem, "nv", "L1"), *[("absent", "nv", "")] * times])
        for name, times in (("one", 1), ("two", 2))
    ]
    sources = [str(tmp_path / "folders"), *tables]
    found, absent, *_ = read_sources(sources, COLUMNS, [str(tmp_path / "photographs")])
    assert [(p.image_id, p.label) for p in found] == [
        ("lesion-0000", "nevus"),
        ("lesion-0005", "nevus"),
        ("lesion-0005", "nevus"),
    ]
    assert absent == 3


@pytest.mark.parametrize(("columns", "roots"), [(None, ["photographs"]), (COLUMNS, [])])
def test_a_table_without_columns_or_roots_is_a_usage_error(
    tmp_path: Path, columns: Columns | None, roots: list[str]
) -> None:
    with pytest.raises(UsageError, match="needs the names of its columns and the folder of its photographs"):
        read_sources([str(tmp_path / "metadata.csv")], columns, roots)


def test_folders_named_like_a_split_state_the_part_of_each_photograph(tmp_path: Path) -> None:
    fill(tmp_path / "Train" / "nevus", 1)
    fill(tmp_path / "Test" / "mel", 1, first=5)
    found = read_sources([str(tmp_path)], None)
    assert sorted((p.label, p.part) for p in found.photographs) == [("melanoma", "test"), ("nevus", "train")]


def test_folders_named_like_folds_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for fold in range(2):
        fill(tmp_path / f"fold{fold}" / "nevus", 1, first=fold)
    with pytest.raises(DataError, match=r"named like folds \(fold0, fold1\), expected .* Give each fold as --data"):
        read_sources([str(tmp_path)], None)
