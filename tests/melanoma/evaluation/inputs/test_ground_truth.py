"""Labels as they come: CSV and Parquet, blanks, repetitions, contradictions, codes of the public data sets."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import DataError, UsageError
from melanoma.evaluation.inputs.ground_truth import Columns, Truth, read_truths
from melanoma.evaluation.inputs.training_set import read_trained
from tests.helpers.score_tables import labels

COLUMNS = Columns("image_id", "dx", "lesion_id", ("age", "sex"))
CSV = "lesion_id,image_id,dx,age,sex\nL1,a,mel,50.0,male\nL1,b, Melanoma ,,female\n,c,akiec,7,\n"


def test_codes_and_names_give_one_slug_and_blanks_stay_blank(tmp_path: Path) -> None:
    found = read_truths(labels(tmp_path / "x.csv", CSV), COLUMNS)
    assert found.by_id == {
        "a": Truth("melanoma", "L1", ("50.0", "male")),
        "b": Truth("melanoma", "L1", ("", "female")),
        "c": Truth("actinic_keratosis", "", ("7", "")),
    }
    assert (found.blank, found.repeated, found.contradictory) == (0, 0, 0)
    assert found.sha256 == hashlib.sha256(CSV.encode()).hexdigest()


def test_without_group_and_subgroups_there_are_none(tmp_path: Path) -> None:
    found = read_truths(labels(tmp_path / "x.csv", CSV), Columns("image_id", "dx"))
    assert found.by_id["a"] == Truth("melanoma", "", ())


def test_parquet_with_numbers_nulls_and_dictionaries_reads_alike(tmp_path: Path) -> None:
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
    found = read_truths(str(tmp_path / "x.parquet"), COLUMNS).by_id
    assert found["1"].label == "nevus"
    assert float(found["1"].by[0]) == 50
    assert found["2"] == Truth("melanoma", "", ("", ""))


def test_ids_keep_their_zeros_and_quoted_line_ends(tmp_path: Path) -> None:
    found = read_truths(
        labels(tmp_path / "x.csv", 'image_id,dx\n007,nv\n"a\nb",mel\nNA,nv\n'), Columns("image_id", "dx")
    )
    assert set(found.by_id) == {"007", "a\nb", "NA"}


def test_what_is_blank_repeated_or_contradictory_is_counted(tmp_path: Path) -> None:
    text = "image_id,dx\na,mel\na,melanoma\nb,mel\nb,nv\nb,mel\n,nv\nc,\nd,nv\n"
    found = read_truths(labels(tmp_path / "x.csv", text), Columns("image_id", "dx"))
    assert set(found.by_id) == {"a", "d"}
    assert (found.blank, found.repeated, found.contradictory) == (2, 2, 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image_id,label\na,nv\n", "no column 'dx', expected one; it has image_id, label"),
        ("image_id,dx,dx\na,nv,nv\n", "2 column 'dx', expected one"),
        ("image_id,dx\nDOE,nv,more\n", "neither CSV with a header nor Parquet"),
        ("", "neither CSV with a header nor Parquet"),
        ("PAR1 is no Parquet", "neither CSV with a header nor Parquet"),
    ],
)
def test_a_file_that_is_no_label_file_is_refused_without_quoting_it(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        read_truths(labels(tmp_path / "x.csv", text), Columns("image_id", "dx"))
    assert "DOE" not in str(caught.value)
    assert "--labels" in str(caught.value)


def test_a_file_that_is_not_there_or_labels_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="check the path"):
        read_truths(str(tmp_path / "absent.csv"), Columns("image_id", "dx"))
    with pytest.raises(DataError, match="no row has both an id and a label"):
        read_truths(labels(tmp_path / "x.csv", "image_id,dx\na,\n"), Columns("image_id", "dx"))
    pa.parquet.write_table(pa.table({"image_id": ["a"], "dx": [["nv"]]}), tmp_path / "x.parquet")
    with pytest.raises(UsageError, match="column 'dx' is list"):
        read_truths(str(tmp_path / "x.parquet"), Columns("image_id", "dx"))


def test_real_metadata_is_read_as_it_comes(data: Path) -> None:
    columns = Columns("image_id", "dx", "lesion_id", ("age", "sex", "localization"))
    found = read_truths(str(data / "ham10000" / "metadata.csv"), columns)
    assert (len(found.by_id), found.blank, found.repeated, found.contradictory) == (10015, 0, 0, 0)
    assert len({truth.group for truth in found.by_id.values()}) == 7470
    assert sum(truth.label == "benign_keratosis" for truth in found.by_id.values()) == 1099


def test_what_was_trained_on_is_read_from_splits(tmp_path: Path) -> None:
    one = labels(tmp_path / "split.csv", "image_id,sha256,label,group,part\na,aa,nv,L1,train\nb,bb,nv,L2,test\n")
    two = labels(tmp_path / "list.csv", "image_id\nc\n")
    found = read_trained([one, two])
    assert found is not None
    assert (found.image_ids, found.groups, found.sha256) == ({"a", "c"}, {"L1"}, {"aa"})
    assert read_trained([]) is None
    with pytest.raises(UsageError, match=r"--trained-on .*no column 'image_id'"):
        read_trained([labels(tmp_path / "x.csv", "name\na\n")])
