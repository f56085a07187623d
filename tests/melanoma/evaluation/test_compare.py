"""Which of two models is better on the same photographs."""

import json
from pathlib import Path

import numpy as np
import pytest

from melanoma.evaluation.compare import compare, compare_predictions
from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth
from melanoma.evaluation.inputs.pairing import pair_predictions
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.training_set import read_training_set
from melanoma.evaluation.promotion_rule import PROMOTE
from tests.helpers.predictions import predictions_of, random_predictions
from tests.helpers.score_tables import OTHER_MODEL, SLUGS, read_predictions, scored_row, write_labels, write_table


def improved(old: Predictions, share: float) -> Predictions:
    """Returns predictions in which a share of the photographs is classified correctly and surely."""
    corrected = np.random.default_rng(9).random(old.n) < share
    p = np.where(corrected[:, None], 0.9 * np.eye(3)[old.truth] + 0.1 / 3, old.probabilities).astype(np.float32)
    return Predictions(old.slugs, old.truth, p, p.argmax(axis=1), old.groups)


def test_the_difference_is_new_less_old_on_the_same_photographs() -> None:
    old = random_predictions(400, strength=0.5, per_group=2)
    new = improved(old, 0.3)
    found = compare_predictions(old, new, seed=0)
    row = found["figures"]["balanced_accuracy"]
    assert row["difference"]["value"] == pytest.approx(row["new"]["value"] - row["old"]["value"])
    assert 0 < row["difference"]["low"] < row["difference"]["high"]
    assert row["difference"]["high"] - row["difference"]["low"] < row["old"]["high"] - row["old"]["low"]
    assert found["figures"]["brier"]["difference"]["high"] < 0
    assert found["figures"]["melanoma_auc"]["difference"]["low"] > 0
    assert found["by_label"]["melanoma"]["difference"] == found["figures"]["melanoma_sensitivity"]["difference"]
    assert (found["n"], found["groups"], found["evaluated"]) == (400, 200, list(old.slugs))
    back = compare_predictions(new, old, seed=0)["figures"]["balanced_accuracy"]["difference"]
    assert back["value"] == pytest.approx(-row["difference"]["value"])


def test_a_model_does_not_differ_from_itself() -> None:
    old = random_predictions(300)
    found = compare_predictions(old, old, seed=0)
    for row in found["figures"].values():
        assert [row["difference"][end] for end in ("value", "low", "high")] == [0, 0, 0]
    assert found["mcnemar"] == {"only_old_right": 0, "only_new_right": 0, "p": 1.0}


def test_only_photographs_that_the_new_model_corrects_count_in_mcnemars_test() -> None:
    old = random_predictions(200, strength=0.2)
    new = improved(old, 0.5)
    found = compare_predictions(old, new, seed=0)["mcnemar"]
    assert found["only_old_right"] == 0
    assert found["only_new_right"] == (new.top == new.truth).sum() - (old.top == old.truth).sum()
    assert found["p"] < 1e-6


def test_without_enough_melanomas_there_is_no_metric_of_melanoma() -> None:
    few = predictions_of([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]] * 12, [2, 1] * 11 + [0, 0])
    found = compare_predictions(few, few, seed=0)
    assert not [name for name in found["figures"] if "melanoma" in name or "flag" in name]
    assert found["evaluated"] == ["nevus", "basal_cell_carcinoma"]
    assert [slug for slug, row in found["by_label"].items() if row["evaluated"]] == found["evaluated"]
    assert found["by_label"]["melanoma"]["n"] > 0 and found["by_label"]["melanoma"]["old"] is not None


def test_a_flag_is_compared_where_both_set_one() -> None:
    flags = random_predictions(300).probabilities[:, 0] > 0.3
    old, new = random_predictions(300, flagged=flags), random_predictions(300, flagged=np.ones(300, np.bool_))
    figures = compare_predictions(old, new, 0)["figures"]
    assert figures["flag_sensitivity"]["new"]["value"] == 1.0
    assert figures["flag_specificity"]["new"]["value"] == 0.0
    assert "flag_sensitivity" not in compare_predictions(random_predictions(300), new, 0)["figures"]


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str, str]:
    """An old model that guesses, a new one that is right and knows one more class, and labels."""
    rng, classes = np.random.default_rng(0), (*SLUGS, "benign_keratosis")
    truth = rng.integers(0, 4, 200)
    old = [scored_row(str(i), *rng.dirichlet(np.ones(3))) for i in range(200)]
    sure = 0.7 * np.eye(4)[truth] + 0.3 * rng.dirichlet(np.ones(4), 200)
    new = [scored_row(str(i), *sure[i], slugs=classes, model_id=OTHER_MODEL) for i in range(200)]
    text = "image_id,dx,lesion\n" + "".join(f"{i},{classes[truth[i]]},L{i // 2}\n" for i in range(190))
    return (
        write_table(tmp_path / "old", old),
        write_table(tmp_path / "new", new, classes),
        write_labels(tmp_path / "labels.csv", text),
    )


def test_tables_are_compared_on_classes_that_both_models_know(tables: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, uri = tables
    labels = read_ground_truth(uri, LabelColumns("image_id", "dx", "lesion"))
    split = read_training_set([write_labels(tmp_path / "split.csv", "image_id,group\n0,L0\n")])
    found = compare(pair_predictions(read_predictions(old), read_predictions(new)), labels, split, seed=0)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    judged = found["judged"]
    unknown = sum(label.slug == "benign_keratosis" for label in labels.by_id.values())
    assert judged["labels_not_known_to_both"] == {"benign_keratosis": unknown}
    trained_on = sum(labels.by_id[name].slug != "benign_keratosis" for name in "01")
    assert judged["data"]["photographs_trained_on"] == trained_on
    assert judged["n"] == 190 - unknown - trained_on
    assert judged["figures"]["balanced_accuracy"]["new"]["value"] == 1.0
    assert judged["verdict"]["verdict"] == PROMOTE
    assert found["agreement"]["n"] == 200
    assert found["new"]["model_id"] == OTHER_MODEL


def test_a_finer_label_is_judged_only_where_no_side_was_asked_about_it(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    coarse, fine = ("melanoma", "benign_keratosis"), ("melanoma", "benign_keratosis", "seborrheic_keratosis")
    old = write_table(tmp_path / "old", [scored_row(name, 0.4, 0.6, slugs=coarse) for name in names], coarse)
    rows = [scored_row(name, 0.1, 0.2, 0.7, slugs=fine, model_id=OTHER_MODEL) for name in names]
    new = write_table(tmp_path / "new", rows, fine)
    uri = write_labels(tmp_path / "x.csv", "image_id,dx\na,seborrheic keratosis\nb,solar lentigo\nc,mel\n")
    labels = read_ground_truth(uri, LabelColumns("image_id", "dx"))
    judged = compare(pair_predictions(read_predictions(old), read_predictions(new)), labels, None, seed=0)["judged"]
    assert judged["labels_not_known_to_both"] == {"seborrheic_keratosis": 1} and judged["n"] == 2
    assert judged["data"]["labels_counted_as"] == [{"label": "solar_lentigo", "as": "benign_keratosis", "n": 1}]


def test_without_labels_no_model_is_evaluated(tables: tuple[str, str, str]) -> None:
    found = compare(pair_predictions(read_predictions(tables[0]), read_predictions(tables[1])), None, None, seed=0)
    assert found["judged"] is None
    assert found["agreement"]["same_top_label"] < 200
