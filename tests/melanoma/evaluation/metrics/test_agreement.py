"""How far two answers lie apart, and which photographs they share."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from melanoma.errors import DataError
from melanoma.evaluation.inputs.table_predictions import Answers, read_answers
from melanoma.evaluation.metrics.agreement import agreement, flipped, kappa, pair
from melanoma.table.score_table import ScoreTable
from tests.helpers.score_tables import OTHER_MODEL, commit, scored


def two(tmp_path: Path) -> tuple[Answers, Answers]:
    old = [scored("a", 0.5, 0.3, 0.2), scored("b", 0.1, 0.9, 0), scored("c", 0.2, 0.3, 0.5), scored("old", 1, 0, 0)]
    new = [
        scored("c", 0.2, 0.3, 0.5),
        scored("a", 0.2, 0.7, 0.1),
        scored("b", 0.1, 0.900004, 0),
        scored("new", 1, 0, 0),
        scored("changed", 1, 0, 0, image_sha256="f" * 64),
    ]
    old.append(scored("changed", 0, 1, 0))
    return read_answers(ScoreTable.in_folder(commit(tmp_path / "old", old))), read_answers(
        ScoreTable.in_folder(commit(tmp_path / "new", new))
    )


def test_photographs_meet_by_id_and_content(tmp_path: Path) -> None:
    found = pair(*two(tmp_path))
    assert found.old.image_ids == found.new.image_ids == ("a", "b", "c")
    assert (found.only_old, found.only_new, found.other_bytes) == (1, 1, 1)


def test_differences_are_counted_and_the_largest_are_shown_without_names(tmp_path: Path) -> None:
    answers = two(tmp_path)
    found = agreement(pair(*answers))
    assert (found["n"], found["identical"], found["within_1e-5"], found["same_top_label"]) == (3, 1, 2, 2)
    assert found["largest_difference"] == pytest.approx(0.4)
    assert found["mean_difference"] == pytest.approx((0.3 + 0.4 + 0.1) / 9, abs=1e-5)
    assert found["largest_by_label"]["melanoma"] == pytest.approx(0.3)
    assert found["top_labels"]["nevus"] == {"old": 1, "new": 2}
    assert flipped(found) == [("melanoma", "nevus", 1)]
    first = found["largest"][0]
    assert (first["label"], first["old_top"], first["new_top"]) == ("nevus", "melanoma", "nevus")
    assert (first["old"], first["new"]) == (pytest.approx(0.3), pytest.approx(0.7))
    assert first["sha256"] == answers[0].sha256[answers[0].image_ids.index("a")][:16]
    assert len(found["largest"]) == 2


def test_the_same_answers_do_not_differ(tmp_path: Path) -> None:
    old, _ = two(tmp_path)
    found = agreement(pair(old, old))
    assert (found["identical"], found["largest_difference"], found["kappa"]) == (4 + 1, 0.0, 1.0)
    assert (found["largest"], flipped(found)) == ([], [])


def test_only_classes_that_both_know_are_compared(tmp_path: Path) -> None:
    old, _ = two(tmp_path)
    slugs = ("scar", "nevus")
    row = scored("a", 0.1, 0.9, slugs=slugs, model_id=OTHER_MODEL)
    other = read_answers(ScoreTable.in_folder(commit(tmp_path / "other", [row], slugs)))
    found = pair(old, other)
    assert found.common == ("nevus",)
    assert found.old.slugs == ("nevus", "melanoma", "basal_cell_carcinoma", "scar")
    report = agreement(found)
    assert report["largest_by_label"] == {"nevus": pytest.approx(0.6)}
    assert flipped(report) == [("melanoma", "nevus", 1)]
    assert report["top_labels"]["melanoma"] == {"old": 1, "new": 0}
    assert list(report["top_labels"]) == list(found.old.slugs)


def test_without_a_photograph_or_a_class_in_common_it_says_which(tmp_path: Path) -> None:
    old, _ = two(tmp_path)
    apart = read_answers(ScoreTable.in_folder(commit(tmp_path / "apart", [scored("z", 1, 0, 0)])))
    with pytest.raises(DataError, match="have no photograph in common"):
        pair(old, apart)
    strange = read_answers(
        ScoreTable.in_folder(commit(tmp_path / "strange", [scored("a", 0.1, 0.9, slugs=("x", "y"))], ("x", "y")))
    )
    with pytest.raises(DataError, match="have no class in common"):
        pair(old, strange)


def test_kappa_is_that_of_scikit_learn() -> None:
    dice = np.random.default_rng(0)
    old = dice.integers(0, 4, 200)
    new = np.where(dice.random(200) < 0.6, old, dice.integers(0, 4, 200))
    assert kappa(old, new, 4) == pytest.approx(cohen_kappa_score(old, new))
    assert kappa(np.zeros(5, np.int64), np.zeros(5, np.int64), 4) is None
    assert kappa(np.zeros(0, np.int64), np.zeros(0, np.int64), 4) is None
