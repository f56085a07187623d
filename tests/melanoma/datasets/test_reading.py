"""Tables find their photographs below folders, and sources are pooled."""

from pathlib import Path

import pandas as pd
import pytest

from melanoma.datasets.coverage import Coverage
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


def test_what_tables_leave_out_is_counted_once_for_all_tables(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 4)
    one = write_table(tmp_path / "one.csv", [("lesion-0000", "nv", "L1"), ("absent", "nv", "L2")])
    other = write_table(tmp_path / "other.csv", [("lesion-0001", "mel", "L3")])
    found = read_sources([one, other], COLUMNS, [str(tmp_path / "photographs")])
    assert found.coverage == Coverage(used=2, absent=1, unlabelled=0, unlisted=2)
    assert {uri.rpartition("/")[2] for uri in found.unlisted} == {"lesion-0002.jpg", "lesion-0003.png"}


def test_a_table_of_a_known_collection_finds_photographs_by_names_with_extension(tmp_path: Path) -> None:
    fill(tmp_path / "imgs_part_1", 4)
    (tmp_path / "metadata.csv").write_text(
        "patient_id,lesion_id,diagnostic,img_id\nP1,8,MEL,lesion-0003.png\nP1,9,NEV,lesion-0000.jpg\nP2,7,,x.png\n"
    )
    found = read_sources([str(tmp_path / "metadata.csv")], Columns(), [str(tmp_path / "imgs_part_1")])
    assert [(p.image_id, p.label) for p in found.photographs] == [("lesion-0003", "melanoma"), ("lesion-0000", "nevus")]
    assert len({p.group for p in found.photographs}) == 1, "of one patient"
    assert found.coverage == Coverage(used=2, absent=0, unlabelled=1, unlisted=2)


def test_a_name_with_an_extension_in_a_named_column_finds_its_photograph_in_any_folder(tmp_path: Path) -> None:
    path = fill(tmp_path / "photographs" / "clinic", 1)[0]
    table = write_table(tmp_path / "metadata.csv", [(path.name, "nv", "L1"), ("lesion-0000.png", "nv", "L2")])
    found = read_table(table, COLUMNS, [str(tmp_path / "photographs")])
    assert [p.uri for p in found.photographs] == [f"file://{path}"] and found.absent == 1
