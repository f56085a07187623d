"""Corrected values: stored beside the table, put in place of those of its rows, and forgotten with a photograph."""

from pathlib import Path

import pyarrow as pa
import pytest

from melanoma.errors import UsageError
from melanoma.table.corrections import SCHEMA, Corrections, forget
from tests.helpers.outputs import layout_of

ROWS = pa.table(
    {
        "image_uri": ["a", "b"],
        "corrected": [["age"], ["image_id", "age"]],
        "image_id": [None, "B"],
        "age": pa.array([62, None], pa.int64()),
    },
    schema=pa.schema([*SCHEMA, ("image_id", pa.string()), ("age", pa.int64())]),
)


def test_corrected_values_replace_those_of_the_rows_and_no_others() -> None:
    rows = pa.table(
        {"age": pa.array([1, 2, 3, 4], pa.int64()), "image_uri": ["b", "a", "c", "a"], "image_id": ["1", "2", "3", "4"]}
    )
    found = Corrections(ROWS).applied_to(rows)
    assert found.schema == rows.schema
    assert found["age"].to_pylist() == [None, 62, 3, 62]
    assert found["image_id"].to_pylist() == ["B", "2", "3", "4"]
    assert Corrections(ROWS).applied_to(rows.select(["image_uri"])).equals(rows.select(["image_uri"]))


def test_corrections_are_stored_and_read(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    assert Corrections.read(layout).rows.num_rows == 0 and Corrections.read(layout).columns == []
    assert Corrections.read(layout).applied_to(ROWS.select(["image_uri", "age"])).num_rows == 2
    Corrections(ROWS).write(layout)
    assert Corrections.read(layout).rows.equals(ROWS) and Corrections.read(layout).columns == ["image_id", "age"]
    assert layout.is_own(layout.corrections)


def test_photographs_are_found_by_a_corrected_id() -> None:
    assert Corrections(ROWS).uris_with("image_id", "B") == ["b"]
    left = ROWS.set_column(2, "image_id", pa.array(["A", "B"]))  # the id of the first one is not corrected
    assert Corrections(left).uris_with("image_id", "A") == []
    assert Corrections(ROWS).uris_with("image_id", "A") == Corrections(ROWS).uris_with("site", "A") == []


def test_a_forgotten_photograph_leaves_no_byte(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    forget(layout, ["a"])
    assert not list(tmp_path.iterdir())
    Corrections(ROWS.set_column(0, "image_uri", pa.array(["file:///DOE.jpg", "b"]))).write(layout)
    forget(layout, ["file:///DOE.jpg", "other"])
    assert Corrections.read(layout).rows["image_uri"].to_pylist() == ["b"]
    assert all(b"DOE" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, data: bytes) -> None:
    layout = layout_of(tmp_path)
    Corrections(ROWS).write(layout)
    (tmp_path / "_corrections" / "values.parquet").write_bytes(data)
    with pytest.raises(UsageError, match=r"_corrections/values.parquet: is damaged; restore it .* or delete it"):
        Corrections.read(layout)
