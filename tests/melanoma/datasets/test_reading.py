"""Class folders and tables as one list of labelled photographs."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from melanoma.datasets.folders import read_folders
from melanoma.datasets.label_tables import Columns, read_label_rows
from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.reading import read_sources, read_table
from melanoma.errors import DataError, ImageError, UsageError
from melanoma.images.decoding import ImageSpec, decode
from tests.helpers import fill, photograph

COLUMNS = Columns("image_id", "dx", "lesion_id")


def write_table(path: Path, rows: list[tuple[str, str, str]]) -> str:
    frame = pd.DataFrame(rows, columns=["image_id", "dx", "lesion_id"])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return str(path)


def test_class_folders_give_slugs_ids_and_digests(tmp_path: Path) -> None:
    path = fill(tmp_path / "Basal cell carcinoma" / "clinic 1", 1)[0]
    fill(tmp_path / "nv", 2, first=10)
    found = read_folders(str(tmp_path))
    assert sorted(p.label for p in found) == ["basal_cell_carcinoma", "nevus", "nevus"]
    first = next(p for p in found if p.label == "basal_cell_carcinoma")
    assert first.image_id == first.group == path.stem
    assert first.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_that_are_no_photographs_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    (tmp_path / "README.txt").write_text("about")
    assert len(read_folders(str(tmp_path))) == 1


def test_a_photograph_outside_a_class_folder_is_refused_by_name(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    fill(tmp_path, 1, first=7)
    with pytest.raises(DataError, match=r"lesion-0007\.png lies outside a class folder"):
        read_folders(str(tmp_path))


def test_a_missing_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder"):
        read_folders(str(tmp_path / "nowhere"))


def test_a_root_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photograph below it"):
        read_folders(str(tmp_path))


def test_a_link_is_refused_not_skipped(tmp_path: Path) -> None:
    target = fill(tmp_path / "elsewhere", 1)[0]
    (tmp_path / "data" / "nv").mkdir(parents=True)
    (tmp_path / "data" / "nv" / "link.jpg").symlink_to(target)
    with pytest.raises(DataError, match="plain file"):
        read_folders(str(tmp_path / "data"))


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_a_table_finds_photographs_by_name_and_by_path(tmp_path: Path, extension: str) -> None:
    by_name, by_path = fill(tmp_path / "photographs" / "night", 2)
    rows = [(by_name.stem, "mel", "L1"), (f"night/{by_path.name}", "nv", ""), ("absent", "nv", "L3")]
    table = write_table(tmp_path / f"metadata.{extension}", rows)
    found, absent = read_table(table, COLUMNS, [str(tmp_path / "photographs")])
    assert [(p.image_id, p.label, p.group) for p in found] == [
        (by_name.stem, "melanoma", "L1"),
        (f"night/{by_path.name}", "nevus", f"night/{by_path.name}"),
    ]
    assert absent == 1


def test_a_table_that_fits_no_photograph_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "photographs", 1)
    table = write_table(tmp_path / "metadata.csv", [("absent", "nv", "L3")])
    with pytest.raises(DataError, match=r"none of its 1 photographs \(absent …\) is below"):
        read_table(table, COLUMNS, [str(tmp_path / "photographs")])


def test_an_id_that_fits_two_photographs_is_refused(tmp_path: Path) -> None:
    path = fill(tmp_path / "a", 1)[0]
    fill(tmp_path / "b", 1)
    table = write_table(tmp_path / "metadata.csv", [(path.stem, "nv", "L1")])
    with pytest.raises(DataError, match=r"could be a/.* or b/"):
        read_table(table, COLUMNS, [str(tmp_path)])


def test_an_unknown_column_is_a_usage_error_that_lists_the_columns(tmp_path: Path) -> None:
    table = write_table(tmp_path / "metadata.csv", [("a", "nv", "L1")])
    with pytest.raises(UsageError, match="no column 'isic_id', expected one; it has image_id, dx, lesion_id"):
        read_label_rows(table, Columns("isic_id", "dx"))


def test_a_row_without_a_label_is_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path / "metadata.csv", [("a", "nv", "L1"), ("b", "", "L2")])
    with pytest.raises(DataError, match="1 of 2 rows"):
        read_label_rows(table, COLUMNS)


def test_labels_that_look_like_missing_values_stay_labels(tmp_path: Path) -> None:
    table = write_table(tmp_path / "metadata.csv", [("001", "NA", "L7")])
    assert read_label_rows(table, COLUMNS)[0] == ("001", "NA", "L7")


@pytest.mark.parametrize("blank", ["", " ", "NA", "nan", "None", "unknown", "-"])
def test_a_missing_lesion_is_no_lesion_that_many_share(tmp_path: Path, blank: str) -> None:
    table = write_table(tmp_path / "metadata.csv", [("a", "nv", blank), ("b ", "nv", "L1 ")])
    assert read_label_rows(table, COLUMNS) == [("a", "nv", ""), ("b", "nv", "L1")]


def test_one_column_may_be_id_and_group(tmp_path: Path) -> None:
    table = write_table(tmp_path / "metadata.csv", [("a", "nv", "L1")])
    assert read_label_rows(table, Columns("image_id", "dx", "image_id"))[0] == ("a", "nv", "a")


@pytest.mark.parametrize("name", ["broken.parquet", "broken.csv"])
def test_a_damaged_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1\xff\xfe" if name.endswith("parquet") else b"\xff\xfe\x81")
    with pytest.raises(UsageError, match="neither CSV with a header nor Parquet"):
        read_label_rows(str(tmp_path / name), COLUMNS)


def test_folders_and_tables_are_pooled_by_slug(tmp_path: Path) -> None:
    fill(tmp_path / "folders" / "nevus", 1)
    path = fill(tmp_path / "photographs", 1, first=5)[0]
    table = write_table(tmp_path / "metadata.csv", [(path.stem, "nv", "L1")])
    found, absent = read_sources([str(tmp_path / "folders"), table], COLUMNS, [str(tmp_path / "photographs")])
    assert [p.label for p in found] == ["nevus", "nevus"]
    assert absent == 0


def test_a_table_without_columns_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names of its columns"):
        read_sources([str(tmp_path / "metadata.csv")], None)


def test_the_first_root_counts_and_the_others_show_it_too(tmp_path: Path) -> None:
    large, small = fill(tmp_path / "large", 1), fill(tmp_path / "small", 2)
    rows = [(path.stem, "mel", f"L{number}") for number, path in enumerate(small)]
    table = write_table(tmp_path / "metadata.csv", rows)
    found, absent = read_table(table, COLUMNS, [str(tmp_path / "large"), str(tmp_path / "small")])
    assert [p.uri for p in found] == [f"file://{large[0]}", f"file://{small[1]}"]
    assert [p.other_uris for p in found] == [(f"file://{small[0]}",), ()]
    assert absent == 0


def test_pixels_are_those_of_scoring(tmp_path: Path) -> None:
    good = fill(tmp_path / "nv", 3)
    spec = ImageSpec(24, 32, crop=1.0)
    pixels = load_pixels(read_folders(str(tmp_path)), spec)
    assert pixels.shape == (3, 24, 32, 3)
    assert pixels.dtype == np.uint8
    assert all(np.array_equal(row, decode(path.read_bytes(), spec)) for row, path in zip(pixels, good, strict=True))


def test_pixels_of_broken_bytes_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "nv", 1)
    (tmp_path / "nv" / "a-cut.jpg").write_bytes(photograph(9)[:200])
    with pytest.raises(ImageError):
        load_pixels(read_folders(str(tmp_path)), ImageSpec(24, 32))
