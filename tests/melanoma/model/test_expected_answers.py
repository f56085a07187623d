"""Tables of expected probabilities are read by their column names, and each row finds its photograph."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import DataError, MelanomaError, UsageError
from melanoma.model.expected_answers import read_expected
from tests.helpers import fill

SLUGS = ("nevus", "melanoma", "basal_cell_carcinoma")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    fill(tmp_path / "images" / "clinic", 3)
    return tmp_path / "images"


def table(images: Path, text: str) -> str:
    path = images.with_name("expected.csv")
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["lesion-0001.jpg", "lesion-0001", "clinic/lesion-0001.jpg", "old/lesion-0001.jpg"])
@pytest.mark.parametrize("header", ["file,NV,p_melanoma,Basal cell carcinoma", "image_id,p_nevus,MEL,prob_bcc"])
def test_columns_are_known_by_label_slug_or_prefix_and_photographs_by_name_or_path(
    images: Path, name: str, header: str
) -> None:
    found = read_expected(table(images, f"{header}\n{name},0.5,0.3,0.2\n"), str(images), SLUGS)
    assert found.probabilities.tolist() == [[0.5, 0.3, 0.2]] and found.without_answer == 2
    assert [(one.name, one.uri) for one in found.answers] == [(name, f"file://{images}/clinic/lesion-0001.jpg")]


def test_of_two_classes_one_column_is_enough(images: Path) -> None:
    found = read_expected(table(images, "file,melanoma\nlesion-0000,0.2\n"), str(images), ("not_melanoma", "melanoma"))
    np.testing.assert_allclose(found.probabilities, [[0.8, 0.2]])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("photo,nv,mel,bcc\nx,1,0,0\n", UsageError, "no column with the names of the photographs, expected .* file,"),
        ("file,nv,mel\nx,1,0\n", UsageError, "no column for basal_cell_carcinoma, expected one column for each class"),
        ("file,nv,mel,bcc\nlesion-0000,2.1,-3,0.2\n", DataError, "1 of 1 rows are not probabilities .* not logits"),
        ("file,nv,mel,bcc\nlesion-0000,50,30,20\n", DataError, "not logits or percent"),
        ("file,nv,mel,bcc\nlesion-0000,0.1,0.1,0.1\n", DataError, "sum to 1"),
        ("file,nv,mel,bcc\nlesion-0000,,0,1\n", DataError, "missing or not a number"),
        ("file,nv,mel,bcc\nelsewhere,1,0,0\n", DataError, "no photograph for the row 'elsewhere', expected one"),
        ("file,nv,mel,bcc\nlesion-0000,1,0,0\nlesion-0000.jpg,1,0,0\n", DataError, "several rows for 1 photograph"),
        ("file,nv,mel,bcc\n", DataError, "no rows"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    images: Path, text: str, error: type[MelanomaError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_expected(table(images, text), str(images), SLUGS)


def test_a_name_that_fits_two_photographs_is_refused(images: Path) -> None:
    fill(images / "other", 1)
    with pytest.raises(DataError, match="2 photographs for the row 'lesion-0000'"):
        read_expected(table(images, "file,nv,mel,bcc\nlesion-0000,1,0,0\n"), str(images), SLUGS)
