"""One answer for each photograph of a score table: the newest, of one model, of one content."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import DataError, UsageError
from melanoma.evaluation.inputs.table_predictions import read_answers
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_tables import MODEL, OTHER_MODEL, SLUGS, commit, failed, scored


def test_a_photograph_answers_with_its_probabilities_and_its_chosen_class(tmp_path: Path) -> None:
    chosen = scored("b", 0.1, 0.2, 0.7, top_label="nevus", flag_melanoma=True, review=False)
    uri = commit(tmp_path, [chosen, scored("a", 0.5, 0.3, 0.2, flag_melanoma=False, review=True)])
    found = read_answers(table_in(uri))
    assert (found.model_id, found.slugs, found.image_ids, found.version) == (MODEL, SLUGS, ("a", "b"), 1)
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.tolist() == pytest.approx(np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]))
    assert found.top.tolist() == [0, 1]
    assert found.flagged.tolist() == [False, True]  # type: ignore[union-attr]
    assert found.review.tolist() == [True, False]  # type: ignore[union-attr]


def test_the_newest_scored_row_counts_and_a_later_failure_does_not(tmp_path: Path) -> None:
    uri = commit(tmp_path, [scored("a", 0, 1, 0, night=2), scored("a", 1, 0, 0, night=1), failed("a", night=3)])
    commit(tmp_path, [failed("b"), scored("b", 0, 0, 1, night=1), failed("c", night=1), failed("c", night=2)])
    found = read_answers(table_in(uri))
    assert dict(zip(found.image_ids, found.top.tolist(), strict=True)) == {"a": 1, "b": 2}
    assert (found.superseded, found.failed) == (1, {"c"})


def test_one_id_of_two_contents_is_nobodys_and_of_two_copies_is_one(tmp_path: Path) -> None:
    elsewhere = {"image_uri": "file:///elsewhere/x.jpg"}
    rows = [
        scored("a", 1, 0, 0),
        scored("a", 0, 1, 0, **elsewhere, image_sha256="f" * 64),
        scored("b", 1, 0, 0),
        scored("b", 0, 0, 1, **{**elsewhere, "image_uri": "file:///elsewhere/y.jpg"}, night=1),
    ]
    found = read_answers(ScoreTable.in_folder(commit(tmp_path, rows)))
    assert (found.image_ids, found.top.tolist(), found.ambiguous) == (("b",), [2], {"a"})


def test_an_overwritten_photograph_is_no_second_content(tmp_path: Path) -> None:
    rows = [scored("a", 1, 0, 0), scored("a", 0, 1, 0, night=1, image_version="2", image_sha256="f" * 64)]
    found = read_answers(ScoreTable.in_folder(commit(tmp_path, rows)))
    assert (found.image_ids, found.top.tolist(), found.ambiguous) == (("a",), [1], frozenset())


def test_of_several_models_one_must_be_named(tmp_path: Path) -> None:
    uri = commit(tmp_path, [scored("a", 1, 0, 0)])
    commit(tmp_path, [scored("a", 0.2, 0.8, slugs=("nevus", "scar"), model_id=OTHER_MODEL)], ("nevus", "scar"))
    with pytest.raises(UsageError, match=f"2 models, {MODEL}, {OTHER_MODEL}; name one by --model-id"):
        read_answers(table_in(uri))
    with pytest.raises(UsageError, match=f"no row of --old-model m-x; there are {MODEL}, {OTHER_MODEL}"):
        read_answers(table_in(uri), "m-x", "--old-model")
    assert read_answers(table_in(uri), MODEL).slugs == SLUGS
    other = read_answers(table_in(uri), OTHER_MODEL)
    assert (other.slugs, other.top.tolist()) == (("nevus", "scar"), [1])
    assert other.probabilities.tolist() == [[pytest.approx(0.2), pytest.approx(0.8)]]


def test_a_flag_or_review_that_a_row_leaves_open_is_not_judged(tmp_path: Path) -> None:
    uri = commit(tmp_path, [scored("a", 1, 0, 0, flag_melanoma=True, review=True), scored("b", 1, 0, 0)])
    found = read_answers(table_in(uri))
    assert (found.flagged, found.review) == (None, None)


def test_a_table_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no score table there"):
        read_answers(table_in(tmp_path / "none"))
    with pytest.raises(DataError, match=f"{MODEL} has scored no photograph of it"):
        read_answers(ScoreTable.in_folder(commit(tmp_path / "failed", [failed("a")])))
    with pytest.raises(DataError, match="the score table is empty"):
        read_answers(ScoreTable.in_folder(commit(tmp_path / "empty", [])))


def test_rows_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    rows = [scored("a", 1, 0, 0), scored("b", 1, 0, 0, top_label="scar")]
    with pytest.raises(DataError, match="1 rows have a top_label without a probability"):
        read_answers(ScoreTable.in_folder(commit(tmp_path / "one", rows)))
    rows[1] = scored("b", 1, 0, 0, p_nevus=None)
    with pytest.raises(DataError, match="p_nevus is null in some scored rows"):
        read_answers(ScoreTable.in_folder(commit(tmp_path / "two", rows)))


def test_some_photographs_can_be_taken_with_more_classes(tmp_path: Path) -> None:
    uri = commit(tmp_path, [scored("a", 0.1, 0.2, 0.7), scored("b", 0.5, 0.3, 0.2), scored("c", 1, 0, 0)])
    taken = read_answers(table_in(uri)).take([1, 0], ("scar", "basal_cell_carcinoma", "nevus", "melanoma"))
    assert taken.image_ids == ("b", "a")
    assert taken.top.tolist() == [3, 1]
    assert taken.probabilities.tolist() == pytest.approx(np.array([[0, 0.2, 0.3, 0.5], [0, 0.7, 0.2, 0.1]]))
