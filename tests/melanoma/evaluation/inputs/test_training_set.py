"""The photographs that a model was trained on, from its split and from other lists."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.training_set import TrainingSet, read_training_set
from tests.helpers.score_tables import write_labels


def test_a_split_lists_every_photograph_except_the_test_part(tmp_path: Path) -> None:
    rows = ["a,aa,nv,L1,train", "b,bb,nv,L2,test", "c,cc,nv,L3,validation"]
    split = write_labels(tmp_path / "split.csv", "image_id,sha256,label,group,part\n" + "\n".join(rows) + "\n")
    assert read_training_set([split]) == TrainingSet(
        (split,), frozenset({"a", "c"}), frozenset({"L1", "L3"}), frozenset({"aa", "cc"})
    )


def test_several_lists_are_combined_and_blanks_are_ignored(tmp_path: Path) -> None:
    one = write_labels(tmp_path / "one.csv", "image_id,group\na,L1\nb,\n")
    two = str(tmp_path / "two.parquet")
    pa.parquet.write_table(pa.table({"image_id": ["c", None], "sha256": ["cc", ""]}), two)
    found = read_training_set([one, two])
    assert found is not None
    assert (found.image_ids, found.groups, found.sha256) == ({"a", "b", "c"}, {"L1"}, {"cc"})
    assert found.uris == (one, two)


def test_without_a_list_the_training_set_is_unknown_and_not_empty() -> None:
    assert read_training_set([]) is None


def test_a_list_without_ids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--trained-on .*no column 'image_id'"):
        read_training_set([write_labels(tmp_path / "x.csv", "name\na\n")])
    with pytest.raises(UsageError, match=r"--trained-on .*absent.csv"):
        read_training_set([str(tmp_path / "absent.csv")])


@pytest.mark.parametrize(
    ("image_id", "sha256", "group", "expected"),
    [
        ("a", "", "", True),
        ("x", "aa", "", True),
        ("x", "xx", "L1", True),
        ("x", "xx", "L2", False),
        ("x", "", "", False),
    ],
)
def test_a_photograph_is_recognised_by_its_id_bytes_or_lesion(
    image_id: str, sha256: str, group: str, expected: bool
) -> None:
    training_set = TrainingSet(("split.csv",), frozenset({"a"}), frozenset({"L1"}), frozenset({"aa"}))
    assert training_set.contains(image_id, sha256, group) is expected


def test_names_of_photographs_stay_out_of_error_messages() -> None:
    assert "DOE" not in repr(TrainingSet(("u",), frozenset({"DOE"}), frozenset({"DOE"}), frozenset()))
