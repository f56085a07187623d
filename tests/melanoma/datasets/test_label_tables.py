"""Ids, labels and groups as a table states them."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.datasets.label_tables import Columns, LabelRow, is_table, read_columns, read_label_rows, read_lesions
from melanoma.errors import DataError, UsageError

COLUMNS = Columns("image_id", "dx", "lesion_id")
HEADER = "image_id,dx,lesion_id\n"


def csv(folder: Path, text: str) -> str:
    (folder / "metadata.csv").write_text(text)
    return str(folder / "metadata.csv")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("a/b.csv", True),
        ("HAM10000_metadata.TAB", True),
        ("a.tsv", True),
        ("labels.txt", True),
        ("s3://x/B.PARQUET", True),
        ("a/csv", False),
        ("a.csv/", False),
        ("photographs", False),
    ],
)
def test_a_table_is_known_by_its_extension(uri: str, expected: bool) -> None:
    assert is_table(uri) is expected


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_csv_and_parquet_give_the_same_rows(tmp_path: Path, extension: str) -> None:
    frame = pd.DataFrame({"image_id": ["a ", "b"], "dx": ["mel", "nv"], "lesion_id": ["L1", None], "age": [50, 60]})
    path = tmp_path / f"metadata.{extension}"
    frame.to_csv(path, index=False) if extension == "csv" else frame.to_parquet(path)
    assert read_label_rows(str(path), COLUMNS) == [LabelRow("a", "mel", "L1"), LabelRow("b", "nv", "")]


def test_ids_that_are_numbers_in_parquet_stay_whole_numbers(tmp_path: Path) -> None:
    """A null beside them must not turn 7 into 7.0, which no file is called."""
    table = pa.table({"image_id": pa.array([7, 8], pa.int64()), "dx": ["nv", "nv"], "lesion_id": [1, None]})
    pa.parquet.write_table(table, tmp_path / "metadata.parquet")
    assert read_label_rows(str(tmp_path / "metadata.parquet"), COLUMNS) == [("7", "nv", "1"), ("8", "nv", "")]


def test_labels_that_look_like_missing_values_stay_labels(tmp_path: Path) -> None:
    assert read_label_rows(csv(tmp_path, HEADER + "001,NA,L7\n"), COLUMNS) == [("001", "NA", "L7")]


@pytest.mark.parametrize("blank", ["", " ", "NA", "nan", "None", "unknown", "-"])
def test_a_missing_lesion_is_not_a_lesion_that_many_photographs_share(tmp_path: Path, blank: str) -> None:
    rows = read_label_rows(csv(tmp_path, f"{HEADER}a,nv,{blank}\nb ,nv,L1 \n"), COLUMNS)
    assert rows == [("a", "nv", ""), ("b", "nv", "L1")]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("patient_id,lesion_id,diagnostic,img_id\nP1,7,NEV,a.png\nP1,NA,MEL,b.png\n", {"a": "7", "b": ""}),
        ("patient_id,diagnostic,img_id\nP1,NEV,a.png\n", {}),
        (HEADER + "a,nv,L1\n", None),
    ],
)
def test_lesions_are_read_apart_where_groups_are_patients(
    tmp_path: Path, table: str, expected: dict[str, str] | None
) -> None:
    assert read_lesions(csv(tmp_path, table), Columns()) == expected


def test_without_a_group_column_no_group_is_stated(tmp_path: Path) -> None:
    assert read_label_rows(csv(tmp_path, HEADER + "a,nv,L1\n"), Columns("image_id", "dx")) == [("a", "nv", "")]


def test_one_column_may_be_id_and_group(tmp_path: Path) -> None:
    table = csv(tmp_path, HEADER + "a,nv,L1\n")
    assert read_label_rows(table, Columns("image_id", "dx", "image_id")) == [("a", "nv", "a")]


@pytest.mark.parametrize("row", ["b,,L2", ",nv,L2", " ,nv,L2"])
def test_a_row_without_an_id_or_a_label_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"1 of 2 rows have no id or no label; fill them in or remove them"):
        read_label_rows(csv(tmp_path, f"{HEADER}a,nv,L1\n{row}\n"), COLUMNS)


def test_an_unknown_column_is_a_usage_error_that_lists_the_columns(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'isic_id', expected one; .* image_id, dx, lesion_id"):
        read_label_rows(csv(tmp_path, HEADER + "a,nv,L1\n"), Columns("isic_id", "dx"))


def test_a_row_with_a_missing_or_an_extra_cell_is_refused_without_quoting_it(tmp_path: Path) -> None:
    for row, found in (("DOE,nv", 2), ("DOE,nv,L1,x", 4)):
        with pytest.raises(UsageError, match=f"Expected 3 columns, got {found}") as caught:
            read_label_rows(csv(tmp_path, f"{HEADER}{row}\n"), COLUMNS)
        assert "DOE" not in str(caught.value)


@pytest.mark.parametrize(("name", "data"), [("x.parquet", b"PAR1\xff\xfe"), ("x.csv", b"\x81\xff\xfe"), ("x.csv", b"")])
def test_a_damaged_table_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match="neither CSV with a header nor Parquet"):
        read_label_rows(str(tmp_path / name), COLUMNS)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="check the path"):
        read_label_rows(str(tmp_path / "absent.csv"), COLUMNS)


def test_optional_columns_are_there_only_if_the_table_has_them(tmp_path: Path) -> None:
    table = csv(tmp_path, HEADER + "a,nv,L1\n")
    assert read_columns(table, ["dx"], optional=["lesion_id", "sha256"]) == {"dx": ["nv"], "lesion_id": ["L1"]}
