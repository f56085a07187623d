"""Predictions are matched with labels, and every photograph and every label is accounted for."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.inputs.ground_truth import GroundTruth, ImageLabel, LabelColumns, read_ground_truth
from melanoma.evaluation.inputs.matching import match
from melanoma.evaluation.inputs.training_set import TrainingSet, read_training_set
from tests.helpers.predictions import table_predictions
from tests.helpers.score_tables import MODEL, failed_row, read_predictions, scored_row, write_labels, write_table

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
        scored_row("a", 0.2, 0.7, 0.1),
        scored_row("b", 0.1, 0.9, 0),
        scored_row("c", 0.8, 0.1, 0.1),
        scored_row("d", 0.8, 0.1, 0.1),
        scored_row("0-unlabelled", 0.8, 0.1, 0.1),
        scored_row("twice", 1, 0, 0),
        scored_row("twice", 1, 0, 0, image_uri="file:///other/twice.jpg", image_sha256="f" * 64),
        failed_row("bad"),
        scored_row("a", 1, 0, 0, day=-1),
    ]
    return write_table(tmp_path / "scores", rows)


def test_photographs_with_a_prediction_and_a_known_label_are_kept(table: str, tmp_path: Path) -> None:
    ground_truth = read_ground_truth(
        write_labels(tmp_path / "x.csv", TEXT), LabelColumns("image_id", "dx", "lesion", ("age",))
    )
    predictions = match(read_predictions(table), ground_truth).predictions
    assert predictions.truth.tolist() == [0, 1, 1]
    assert predictions.top.tolist() == [1, 1, 0]
    assert predictions.probabilities[:, 1].tolist() == pytest.approx([0.7, 0.9, 0.1])
    assert predictions.groups[:2].tolist() == ["L1", "L2"]
    assert len(set(predictions.groups)) == 3
    assert predictions.subgroups["age"].tolist() == ["0-29", "75+", "unknown"]


def test_a_photograph_without_group_does_not_join_a_group_named_like_it(table: str, tmp_path: Path) -> None:
    ground_truth = read_ground_truth(
        write_labels(tmp_path / "x.csv", "image_id,dx,g\na,mel,b\nb,nv,\n"), LabelColumns("image_id", "dx", "g")
    )
    assert len(set(match(read_predictions(table), ground_truth).predictions.groups)) == 2


def test_every_photograph_and_every_label_is_accounted_for(table: str, tmp_path: Path) -> None:
    ground_truth = read_ground_truth(write_labels(tmp_path / "x.csv", TEXT), LabelColumns("image_id", "dx", "lesion"))
    split = write_labels(tmp_path / "split.csv", "image_id,group,part\nzzz,L2,train\n")
    matched = match(read_predictions(table), ground_truth, read_training_set([split]))
    predictions, data = matched.predictions, matched.accounting
    assert (predictions.n, data["judged"], data["photographs_trained_on"]) == (2, 2, 1)
    assert data["classes_unknown_to_model"] == {"benign_keratosis": 1}
    assert data["classes_without_label"] == ["basal_cell_carcinoma"]
    assert data["photographs"] == 5 == 2 + 1 + 1 + data["photographs_without_label"]
    assert data["labelled"] == 7
    rest = ("labels_without_photograph", "labels_of_failed", "labels_of_ambiguous")
    assert [data[name] for name in rest] == [1, 1, 1]
    counted = ("older_rows", "photographs_failed", "ambiguous_ids", "labels_contradictory")
    assert [data[name] for name in counted] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image_id,dx\nA,mel\n", "none of the 1 ids in .* is an image_id of the 5 photographs"),
        ("image_id,dx\nd,bkl\n", f"its labels are benign_keratosis; {MODEL} knows only melanoma, nevus"),
    ],
)
def test_without_any_match_the_message_says_why_and_names_no_photograph(
    table: str, tmp_path: Path, text: str, complaint: str
) -> None:
    ground_truth = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx"))
    with pytest.raises(DataError, match=complaint) as caught:
        match(read_predictions(table), ground_truth)
    assert "0-unlabelled" not in str(caught.value)


def test_training_photographs_are_recognised_by_id_content_or_lesion(table: str, tmp_path: Path) -> None:
    ground_truth = read_ground_truth(write_labels(tmp_path / "x.csv", TEXT), LabelColumns("image_id", "dx", "lesion"))
    predictions = read_predictions(table)
    sha256 = predictions.sha256[predictions.image_ids.index("c")]
    split = write_labels(tmp_path / "s.csv", f"image_id,group,sha256\na,,\nzzz,L2,\nyyy,,{sha256}\n")
    training_set = read_training_set([split, write_labels(tmp_path / "t.csv", "image_id\nd\n")])
    with pytest.raises(DataError, match=f"{MODEL} was trained on all 4 labelled photographs"):
        match(predictions, ground_truth, training_set)


def test_a_training_set_without_lesions_does_not_contain_photographs_without_one(table: str, tmp_path: Path) -> None:
    ground_truth = read_ground_truth(write_labels(tmp_path / "x.csv", TEXT), LabelColumns("image_id", "dx", "lesion"))
    training_set = read_training_set([write_labels(tmp_path / "u.csv", "image_id,group\nzzz,\n")])
    matched = match(read_predictions(table), ground_truth, training_set)
    assert (matched.predictions.n, matched.accounting["photographs_trained_on"]) == (3, 0)
    assert matched.accounting["trained_on"] == [str(tmp_path / "u.csv")]


def test_flags_are_matched_with_their_photographs(tmp_path: Path) -> None:
    rows = [
        scored_row("a", 1, 0, 0, flag_melanoma=True, review=False),
        scored_row("b", 0, 1, 0, flag_melanoma=False, review=True),
        scored_row("c", 0, 1, 0, flag_melanoma=True, review=False),
    ]
    ground_truth = read_ground_truth(
        write_labels(tmp_path / "x.csv", "image_id,dx\nc,nv\na,mel\n"), LabelColumns("image_id", "dx")
    )
    predictions = match(read_predictions(write_table(tmp_path / "scores", rows)), ground_truth).predictions
    assert predictions.truth.tolist() == [0, 1]
    assert predictions.flagged is not None and predictions.flagged.tolist() == [True, True]
    assert predictions.review is not None and predictions.review.tolist() == [False, False]


@pytest.mark.parametrize("seed", range(4))
def test_every_photograph_and_every_label_is_counted_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"photo-{i}" for i in range(60)]
    kinds = rng.choice(["scored", "failed", "ambiguous", "absent"], 60, p=[0.7, 0.1, 0.1, 0.1])
    of_kind = {kind: [name for name, one in zip(names, kinds, strict=True) if one == kind] for kind in set(kinds)}
    table = table_predictions(
        of_kind["scored"], failed=frozenset(of_kind["failed"]), ambiguous=frozenset(of_kind["ambiguous"])
    )
    slugs = rng.choice(["melanoma", "nevus", "scar"], 60)
    labelled = {name: ImageLabel(slug, "", ()) for name, slug in zip(names, slugs, strict=True) if rng.random() < 0.8}
    ground_truth = GroundTruth("labels.csv", "", LabelColumns("id", "dx"), labelled, 0, 0, 0)
    training_set = TrainingSet(("split.csv",), frozenset(names[::5]), frozenset(), frozenset())
    matched = match(table, ground_truth, training_set)
    data = matched.accounting
    assert data["judged"] == matched.predictions.n > 0
    unknown = sum(data["classes_unknown_to_model"].values())
    left_out = data["photographs_without_label"] + data["photographs_trained_on"] + unknown
    assert data["photographs"] == data["judged"] + left_out
    without = data["labels_without_photograph"] + data["labels_of_failed"] + data["labels_of_ambiguous"]
    assert data["labelled"] == data["judged"] + data["photographs_trained_on"] + unknown + without
    assert data["photographs_trained_on"] == len(set(names[::5]) & set(of_kind["scored"]) & labelled.keys())


def test_a_finer_label_counts_as_the_class_that_includes_it_and_is_stated(table: str, tmp_path: Path) -> None:
    text = "image_id,dx\na,Melanoma in situ\nb,blue nevus\nc,solar lentigo\nd,Seborrheic keratosis\n"
    ground_truth = read_ground_truth(write_labels(tmp_path / "x.csv", text), LabelColumns("image_id", "dx"))
    matched = match(read_predictions(table), ground_truth)
    assert matched.predictions.truth.tolist() == [0, 1]
    counted = {"label": "melanoma_in_situ", "as": "melanoma", "n": 1}
    assert counted in matched.accounting["labels_counted_as"] and len(matched.accounting["labels_counted_as"]) == 2
    assert matched.accounting["classes_unknown_to_model"] == {"solar_lentigo": 1, "seborrheic_keratosis": 1}


def test_a_finer_melanoma_is_none_of_the_others_of_a_model_of_melanoma_alone() -> None:
    table = table_predictions(["a", "b"], ("not_melanoma", "melanoma"))
    labels = dict(zip(table.image_ids, ("lentigo_maligna", "blue_nevus"), strict=True))
    by_id = {image_id: ImageLabel(slug, "", ()) for image_id, slug in labels.items()}
    truth = match(table, GroundTruth("x", "", LabelColumns(), by_id, 0, 0, 0)).predictions.truth
    assert truth.tolist() == [1, 0]
