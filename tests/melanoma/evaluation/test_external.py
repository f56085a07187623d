"""Results on external sources: computed again by other means, and never about what the labels do not ask."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from melanoma.errors import DataError
from melanoma.evaluation.external import evaluate_source, evaluate_sources, for_bundle
from melanoma.evaluation.inputs.external_labels import ExternalColumns, read_external
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.inputs.training_set import TrainingSet
from tests.helpers.predictions import SLUGS, accounting, random_predictions, table_predictions
from tests.helpers.score_tables import write_labels


@pytest.fixture
def unasked() -> Predictions:
    """Three classes are known; no label names the third one, which some answers do."""
    drawn = random_predictions(300, strength=1.0)
    part = drawn.where(drawn.truth < 2)
    return Predictions(
        part.slugs, part.truth, part.probabilities, part.top, part.groups, part.probabilities[:, 0] > 0.2
    )


def test_figures_are_those_of_scikit_learn(unasked: Predictions) -> None:
    part = evaluate_source("north", unasked, accounting(), seed=0)
    positive = unasked.truth == 0
    assert part["by_label"]["melanoma"]["auc"]["value"] == pytest.approx(
        roc_auc_score(positive, unasked.probabilities[:, 0])
    )
    assert unasked.flagged is not None
    assert part["flag_melanoma"]["sensitivity"]["value"] == pytest.approx(unasked.flagged[positive].mean())
    assert part["flag_melanoma"]["specificity"]["value"] == pytest.approx((~unasked.flagged)[~positive].mean())


def test_a_class_without_label_has_no_figure_and_its_answers_are_counted(unasked: Predictions) -> None:
    part = evaluate_source("north", unasked, accounting(), seed=0)
    outside = unasked.top == 2
    assert part["answers_not_asked"] == outside.sum() > 10
    assert part["evaluated"] == list(SLUGS[:2])
    recalls = [(unasked.top == c)[unasked.truth == c].mean() for c in (0, 1)]
    assert part["balanced_accuracy"]["value"] == pytest.approx(np.mean(recalls))
    inside = balanced_accuracy_score(unasked.truth[~outside], unasked.top[~outside])
    assert part["balanced_accuracy_asked"]["value"] == pytest.approx(inside)
    assert part["by_label"][SLUGS[2]]["sensitivity"] is None


def test_photographs_of_the_split_are_left_out_and_counted_by_reason(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(8)]
    table = table_predictions(names)
    rows = "".join(f"pictures/{name}.jpg,{'mel' if i % 2 else 'nv'},L{i}\n" for i, name in enumerate(names))
    file = write_labels(tmp_path / "north.csv", f"image,dx,lesion\n{rows}pictures/gone.jpg,nv,L9\n")
    labels = read_external([file], ExternalColumns("image", "dx", "lesion"))
    seen = TrainingSet(
        ("split.csv",), frozenset({"n0"}), frozenset({"L1"}), frozenset({"hash of n2"}), frozenset({"n3"}), True
    )
    (part,) = evaluate_sources(table, labels, seen, seed=0)
    by = {"id": 1, "group": 1, "content": 1, "near_duplicate": 1}
    assert (part["n"], part["data"]["photographs_trained_on"], part["data"]["photographs_trained_on_by"]) == (4, 4, by)
    assert part["data"]["labels_without_photograph"] == 1 and part["data"]["near_duplicates_searched"]
    everything = TrainingSet(("split.csv",), frozenset(names), frozenset(), frozenset())
    with pytest.raises(DataError, match="was trained on all 8 labelled photographs"):
        evaluate_sources(table, labels, everything, seed=0)


def test_a_bundle_keeps_no_address_of_a_file(unasked: Predictions) -> None:
    part = for_bundle(evaluate_source("north", unasked, accounting(labels="/home/doe/labels.csv"), seed=0))
    assert "doe" not in str(part) and "s3://" not in str(part) and "split.csv" not in str(part)
    assert part["data"]["trained_on"] is True and "curves" not in part and part["balanced_accuracy"]["n"]
