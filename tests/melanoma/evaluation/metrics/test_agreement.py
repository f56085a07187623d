"""How far two predictions for the same photographs differ."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from melanoma.evaluation.inputs.pairing import PredictionPair, pair_predictions
from melanoma.evaluation.metrics.agreement import Flip, agreement, cohen_kappa, list_flips
from tests.helpers.score_tables import read_predictions, scored_row, write_table


@pytest.fixture
def pair(tmp_path: Path) -> PredictionPair:
    """Photograph a moves from melanoma to nevus, b hardly changes, c does not change."""
    old = [scored_row("a", 0.5, 0.3, 0.2), scored_row("b", 0.1, 0.9, 0), scored_row("c", 0.2, 0.3, 0.5)]
    new = [scored_row("c", 0.2, 0.3, 0.5), scored_row("a", 0.2, 0.7, 0.1), scored_row("b", 0.1, 0.900004, 0)]
    tables = (write_table(tmp_path / "old", old), write_table(tmp_path / "new", new))
    return pair_predictions(*map(read_predictions, tables))


def test_agreement_counts_differences_and_equal_choices(pair: PredictionPair) -> None:
    found = agreement(pair)
    assert (found["n"], found["identical"], found["within_1e-5"], found["same_top_label"]) == (3, 1, 2, 2)
    assert found["largest_difference"] == pytest.approx(0.4)
    assert found["mean_difference"] == pytest.approx((0.3 + 0.4 + 0.1) / 9, abs=1e-5)
    assert found["largest_by_label"] == pytest.approx({"melanoma": 0.3, "nevus": 0.4, "basal_cell_carcinoma": 0.1})
    assert found["top_labels"]["nevus"] == {"old": 1, "new": 2}
    assert found["kappa"] == pytest.approx(cohen_kappa_score([0, 1, 2], [1, 1, 2]))


def test_the_largest_changes_are_shown_without_names(pair: PredictionPair) -> None:
    first, second = agreement(pair)["largest"]
    assert (first["label"], first["old_top"], first["new_top"]) == ("nevus", "melanoma", "nevus")
    assert (first["old"], first["new"]) == (pytest.approx(0.3), pytest.approx(0.7))
    assert first["sha256"] == pair.old.sha256[0][:16]
    assert second["new"] == pytest.approx(0.900004)


def test_at_most_twenty_changes_are_shown_largest_first(tmp_path: Path) -> None:
    old = [scored_row(f"{i:02}", 0.5, 0.5, 0) for i in range(30)]
    new = [scored_row(f"{i:02}", 0.5 - i / 100, 0.5 + i / 100, 0) for i in range(30)]
    tables = (write_table(tmp_path / "old", old), write_table(tmp_path / "new", new))
    found = agreement(pair_predictions(*map(read_predictions, tables)))["largest"]
    assert [abs(row["new"] - row["old"]) for row in found] == pytest.approx([(29 - i) / 100 for i in range(20)])


def test_flips_are_listed_most_frequent_first() -> None:
    report = {"flips": {"labels": ["nevus", "scar"], "counts": [[5, 1], [2, 7]]}}
    assert list_flips(report) == [Flip("scar", "nevus", 2), Flip("nevus", "scar", 1)]


def test_equal_predictions_do_not_differ(pair: PredictionPair) -> None:
    found = agreement(pair_predictions(pair.old, pair.old))
    assert (found["identical"], found["largest_difference"], found["kappa"]) == (3, 0.0, 1.0)
    assert (found["largest"], list_flips(found)) == ([], [])


def test_only_classes_that_both_models_know_are_compared(pair: PredictionPair, tmp_path: Path) -> None:
    slugs = ("scar", "nevus")
    other = read_predictions(write_table(tmp_path / "x", [scored_row("a", 0.1, 0.9, slugs=slugs)], slugs))
    both = pair_predictions(pair.old, other)
    report = agreement(both)
    assert report["largest_by_label"] == {"nevus": pytest.approx(0.6)}
    assert list_flips(report) == [Flip("melanoma", "nevus", 1)]
    assert report["top_labels"]["melanoma"] == {"old": 1, "new": 0}
    assert list(report["top_labels"]) == list(both.old.slugs)


@pytest.mark.parametrize("agreeing", [0.0, 0.6, 1.0])
def test_kappa_equals_that_of_scikit_learn(agreeing: float) -> None:
    rng = np.random.default_rng(0)
    old = rng.integers(0, 4, 200)
    new = np.where(rng.random(200) < agreeing, old, rng.integers(0, 4, 200))
    assert cohen_kappa(old, new, 4) == pytest.approx(cohen_kappa_score(old, new))


def test_kappa_is_undefined_if_both_always_choose_the_same_class() -> None:
    assert cohen_kappa(np.zeros(5, np.int64), np.zeros(5, np.int64), 4) is None
    assert cohen_kappa(np.zeros(0, np.int64), np.zeros(0, np.int64), 4) is None
