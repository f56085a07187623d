"""Real-world label files: CSV and Parquet, blanks, repetitions, contradictions, codes of the public data sets."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import DataError, UsageError
from melanoma.evaluation.inputs.ground_truth import (
    ImageLabel,
    LabelColumns,
    read_ground_truth,
    with_names_of_files,
    with_other_class,
)
from tests.helpers import fill
from tests.helpers.score_tables import write_labels

COLUMNS = LabelColumns("image_id", "dx", "lesion_id", ("age", "sex"))
CSV = "lesion_id,image_id,dx,age,sex\nL1,a,mel,50.0,male\nL1,b, Melanoma ,,female\n,c,akiec,7,\n"


def test_codes_and_names_of_a_class_become_one_slug_and_blanks_stay_blank(tmp_path: Path) -> None:
    found = read_ground_truth(write_labels(tmp_path / "x.csv", CSV), COLUMNS)
    assert found.by_id == {
        "a": ImageLabel("melanoma", "L1", ("50.0", "male")),
        "b": ImageLabel("melanoma", "L1", ("", "female")),
        "c": ImageLabel("actinic_keratosis", "", ("7", "")),
    }
    assert (found.blank, found.repeated, found.contradictory) == (0, 0, 0)
    assert found.sha256 == hashlib.sha256(CSV.encode()).hexdigest()


def test_without_group_and_subgroups_there_are_none(tmp_path: Path) -> None:
    found = read_ground_truth(write_labels(tmp_path / "x.csv", CSV), LabelColumns("image_id", "dx"))
    assert found.by_id["a"] == ImageLabel("melanoma", "", ())


def test_parquet_with_numbers_nulls_and_dictionaries_is_read_like_csv(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image_id": [1, 2],
            "dx": pa.array(["nv", "mel"]).dictionary_encode(),
            "lesion_id": ["L1", None],
            "age": [50.0, None],
            "sex": pa.array([None, None], pa.null()),
        }
    )
    pa.parquet.write_table(table, tmp_path / "x.parquet")
    found = read_ground_truth(str(tmp_path / "x.parquet"), COLUMNS).by_id
    assert found["1"].slug == "nevus"
    assert float(found["1"].by[0]) == 50
    assert found["2"] == ImageLabel("melanoma", "", ("", ""))


def test_a_repeated_row_may_add_the_lesion_that_an_earlier_one_lacks(tmp_path: Path) -> None:
    text = "image_id,dx,lesion\na,mel,unknown\na,mel,L1\na,mel,L2\n"
    found = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx", "lesion"))
    assert found.by_id == {"a": ImageLabel("melanoma", "L1", ())}
    assert found.repeated == 2


def test_a_column_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,dx,sex\na,nv,male\n")
    found = read_ground_truth(str(tmp_path / "labels.csv"), LabelColumns("id", "dx", "dx", ("sex", "id")))
    assert found.by_id["a"] == ImageLabel("nevus", "nv", ("male", "a"))


def test_ids_keep_their_zeros_and_quoted_line_ends(tmp_path: Path) -> None:
    found = read_ground_truth(
        write_labels(tmp_path / "x.csv", 'image_id,dx\n007,nv\n"a\nb",mel\nNA,nv\n'), LabelColumns("image_id", "dx")
    )
    assert set(found.by_id) == {"007", "a\nb", "NA"}


def test_blank_repeated_and_contradictory_rows_are_counted(tmp_path: Path) -> None:
    text = "image_id,dx\na,mel\na,melanoma\nb,mel\nb,nv\nb,mel\n,nv\nc,\nd,nv\n"
    found = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx"))
    assert set(found.by_id) == {"a", "d"}
    assert (found.blank, found.repeated, found.contradictory) == (2, 2, 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image_id,label\na,nv\n", "no column 'dx', expected one; it has 2 columns, among them image_id, label"),
        ("image_id,dx,dx\na,nv,nv\n", "2 column 'dx', expected one"),
        ("image_id,dx\nDOE,nv,more\n", "neither CSV with a header nor Parquet"),
        ("", "neither CSV with a header nor Parquet"),
        ("PAR1 is no Parquet", "neither CSV with a header nor Parquet"),
    ],
)
def test_an_unsuitable_file_is_refused_without_quoting_it(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx"))
    assert "DOE" not in str(caught.value)
    assert "--labels" in str(caught.value)


def test_a_missing_file_or_one_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="check the path"):
        read_ground_truth(str(tmp_path / "absent.csv"), LabelColumns("image_id", "dx"))
    with pytest.raises(DataError, match="no row has both an id and a label"):
        read_ground_truth(write_labels(tmp_path / "x.csv", "image_id,dx\na,\n"), LabelColumns("image_id", "dx"))
    pa.parquet.write_table(pa.table({"image_id": ["a"], "dx": [["nv"]]}), tmp_path / "x.parquet")
    with pytest.raises(UsageError, match="column 'dx' is list"):
        read_ground_truth(str(tmp_path / "x.parquet"), LabelColumns("image_id", "dx"))


def test_real_metadata_is_read(data: Path) -> None:
    columns = LabelColumns("image_id", "dx", "lesion_id", ("age", "sex", "localization"))
    found = read_ground_truth(str(data / "ham10000" / "metadata.csv"), columns)
    assert (len(found.by_id), found.blank, found.repeated, found.contradictory) == (10015, 0, 0, 0)
    assert len({label.group for label in found.by_id.values()}) == 7470
    assert sum(label.slug == "benign_keratosis" for label in found.by_id.values()) == 1099


def test_for_a_model_of_one_class_and_not_that_class_all_other_labels_are_the_latter(tmp_path: Path) -> None:
    found = read_ground_truth(write_labels(tmp_path / "x.csv", CSV), COLUMNS)
    two = with_other_class(found, ("not_melanoma", "melanoma"))
    assert {name: label.slug for name, label in two.by_id.items()} == {
        "a": "melanoma",
        "b": "melanoma",
        "c": "not_melanoma",
    }
    assert with_other_class(found, ("nevus", "melanoma")) is found
    assert with_other_class(found, ("not_melanoma", "melanoma", "nevus")) is found


def test_a_table_of_a_known_collection_needs_no_names_of_columns(tmp_path: Path) -> None:
    text = "patient_id,lesion_id,diagnostic,img_id,age\nP1,8,MEL,a.png,60\nP1,9,NEV,b.png,60\nP2,7,,c.png,1\n"
    found = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns(by=("age",)))
    assert {name: (label.slug, label.by) for name, label in found.by_id.items()} == {
        "a": ("melanoma", ("60",)),
        "b": ("nevus", ("60",)),
    }
    assert found.by_id["a"].group == found.by_id["b"].group and found.blank == 1
    assert found.columns.group == "patient_id or lesion_id"


def test_class_folders_are_labels_and_folders_of_a_split_are_not_classes(tmp_path: Path) -> None:
    fill(tmp_path / "Train" / "mel", 2)
    fill(tmp_path / "Test" / "nv", 2, first=1)
    found = read_ground_truth(str(tmp_path), LabelColumns())
    slugs = {name: label.slug for name, label in found.by_id.items()}
    assert slugs == {"lesion-0000": "melanoma", "lesion-0002": "nevus"}
    assert found.contradictory == 1 and len(found.sha256) == 64
    fill(tmp_path / "nevus", 1, first=7)
    with pytest.raises(DataError, match="'Test', 'Train' are named like a part of a split, but beside 'nevus'"):
        read_ground_truth(str(tmp_path), LabelColumns())
    with pytest.raises(UsageError, match="a folder has no columns"):
        read_ground_truth(str(tmp_path), LabelColumns("image_id"))


def test_labels_may_name_files_where_the_table_has_names_without_extension(tmp_path: Path) -> None:
    text = "image_id,dx\narchive/a.jpg,mel\nb.png,nv\nx/twice.jpg,nv\ny/twice.jpg,mel\nc.jpg,nv\n"
    truth = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx"))
    named = with_names_of_files(truth, ["a", "b", "c.jpg"])
    assert list(named.by_id) == ["a", "b", "x/twice.jpg", "y/twice.jpg", "c.jpg"]
    assert named.by_id["a"].slug == "melanoma"
