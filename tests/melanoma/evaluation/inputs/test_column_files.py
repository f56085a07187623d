"""Columns of a file as text, with the hash of the bytes that were read."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.column_files import read_texts

CSV = "id,dx,age\n007, mel ,\nb,nv,30\n"


def test_wanted_columns_are_text_without_blanks(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(CSV)
    found = read_texts("--labels", str(path), ["id", "dx"])
    assert found.columns == {"id": ["007", "b"], "dx": ["mel", "nv"]}
    assert found.sha256 == hashlib.sha256(CSV.encode()).hexdigest()


def test_optional_columns_are_read_if_the_file_has_them(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pa.parquet.write_table(pa.table({"id": ["a"], "age": [30]}), path)
    assert read_texts("--labels", str(path), ["id"], ["age", "sex"]).columns == {"id": ["a"], "age": ["30"]}


def test_a_missing_column_is_named_with_the_option_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(CSV)
    with pytest.raises(UsageError, match=r"--trained-on .*labels\.csv: no column 'image_id'"):
        read_texts("--trained-on", str(path), ["image_id"])
