"""Answers meet labels, and every photograph and every label is accounted for."""

from pathlib import Path

import pytest

from melanoma.errors import DataError
from melanoma.evaluation.formatting import accounts
from melanoma.evaluation.inputs.ground_truth import Columns, read_truths
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.table_predictions import read_answers
from melanoma.evaluation.inputs.training_set import read_trained
from tests.helpers.outputs import table_in
from tests.helpers.score_tables import MODEL, commit, failed, labels, scored

TEXT = """image_id,dx,lesion,age
a,mel,L1,20
b,nv,L2,80
c,nv,,
d,bkl,L3,50
gone,nv,L4,50
bad,nv,L5,50
twice,nv,L6,50
x,nv,L7,50
x,mel,L7,50
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    rows = [
        scored("a", 0.2, 0.7, 0.1),
        scored("b", 0.1, 0.9, 0),
        scored("c", 0.8, 0.1, 0.1),
        scored("d", 0.8, 0.1, 0.1),
        scored("0-unlabelled", 0.8, 0.1, 0.1),
        scored("twice", 1, 0, 0),
        scored("twice", 1, 0, 0, image_uri="file:///other/twice.jpg", image_sha256="f" * 64),
        failed("bad"),
        scored("a", 1, 0, 0, night=-1),
    ]
    return commit(tmp_path / "scores", rows)


def test_what_meets_is_judged(table: str, tmp_path: Path) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", TEXT), Columns("image_id", "dx", "lesion", ("age",)))
    predictions, _ = match(read_answers(table_in(table)), truths)
    assert predictions.truth.tolist() == [0, 1, 1]
    assert predictions.top.tolist() == [1, 1, 0]
    assert predictions.probabilities[:, 1].tolist() == pytest.approx([0.7, 0.9, 0.1])
    assert predictions.groups[:2].tolist() == ["L1", "L2"]
    assert len(set(predictions.groups)) == 3
    assert predictions.subgroups["age"].tolist() == ["0-29", "75+", "unknown"]


def test_a_group_of_its_own_is_not_one_that_bears_its_name(table: str, tmp_path: Path) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", "image_id,dx,g\na,mel,b\nb,nv,\n"), Columns("image_id", "dx", "g"))
    assert len(set(match(read_answers(table_in(table)), truths)[0].groups)) == 2


def test_every_photograph_and_every_label_is_accounted_for(table: str, tmp_path: Path) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", TEXT), Columns("image_id", "dx", "lesion"))
    split = labels(tmp_path / "split.csv", "image_id,group,part\nzzz,L2,train\n")
    predictions, data = match(read_answers(table_in(table)), truths, read_trained([split]))
    assert (predictions.n, data["judged"], data["photographs_trained_on"]) == (2, 2, 1)
    assert data["classes_unknown_to_model"] == {"benign_keratosis": 1}
    assert data["classes_without_label"] == ["basal_cell_carcinoma"]
    assert data["photographs"] == 5 == 2 + 1 + 1 + data["photographs_without_label"]
    assert data["labelled"] == 7
    rest = ("labels_without_photograph", "labels_of_failed", "labels_of_ambiguous")
    assert [data[name] for name in rest] == [1, 1, 1]
    counted = ("older_rows", "photographs_failed", "ambiguous_ids", "labels_contradictory")
    assert [data[name] for name in counted] == [1, 1, 1, 1]


def test_what_is_left_out_is_said(table: str, tmp_path: Path) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", TEXT), Columns("image_id", "dx"))
    said = "\n".join(accounts(match(read_answers(table_in(table)), truths)[1]))
    for words in (
        "3 of 5 scored photographs have a label",
        "1 labelled photographs are left out, for the model does not know their class: benign keratosis (1)",
        "Classes of the model that no label bears: basal cell carcinoma",
        "1 scored photographs have no label",
        "1 labels have no photograph",
        "1 photographs failed",
        "1 rows are left out, for newer ones",
        "1 ids name photographs of different contents",
        "1 ids bear several labels",
        "What the model was trained on was not named",
        "No group column was named",
    ):
        assert words in said
    assert "repeat another" not in said
    assert "gone" not in said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image_id,dx\nA,mel\n", "none of the 1 ids in .* is an image_id of the 5 photographs"),
        ("image_id,dx\nd,bkl\n", f"its labels are benign_keratosis; {MODEL} knows none of them, only melanoma, nevus"),
    ],
)
def test_where_nothing_meets_it_says_why_and_names_no_photograph(
    table: str, tmp_path: Path, text: str, complaint: str
) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", text), Columns("image_id", "dx"))
    with pytest.raises(DataError, match=complaint) as caught:
        match(read_answers(table_in(table)), truths)
    assert "0-unlabelled" not in str(caught.value)


def test_what_was_trained_on_is_known_by_name_content_or_lesion(table: str, tmp_path: Path) -> None:
    truths = read_truths(labels(tmp_path / "x.csv", TEXT), Columns("image_id", "dx", "lesion"))
    answers = read_answers(table_in(table))
    sha256 = answers.sha256[answers.image_ids.index("c")]
    split = labels(tmp_path / "s.csv", f"image_id,group,sha256\na,,\nzzz,L2,\nyyy,,{sha256}\n")
    with pytest.raises(DataError, match=f"all 4 labelled photographs took part in the training of {MODEL}"):
        match(answers, truths, read_trained([split, labels(tmp_path / "t.csv", "image_id\nd\n")]))
    predictions, data = match(answers, truths, read_trained([labels(tmp_path / "u.csv", "image_id,group\nzzz,\n")]))
    assert (predictions.n, data["photographs_trained_on"]) == (3, 0)
