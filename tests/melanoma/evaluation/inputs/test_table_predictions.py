"""One prediction per photograph of a score table: the newest, of one model, for one content."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.errors import DataError, NothingCommittedError, UsageError
from melanoma.evaluation.inputs.table_predictions import read_table_predictions
from tests.helpers.outputs import table_in
from tests.helpers.score_tables import MODEL, OTHER_MODEL, SLUGS, failed_row, read_predictions, scored_row, write_table


def test_a_row_becomes_probabilities_a_chosen_class_and_flags(tmp_path: Path) -> None:
    chosen = scored_row("b", 0.1, 0.2, 0.7, top_label="nevus", flag_melanoma=True, review=False)
    uri = write_table(tmp_path, [chosen, scored_row("a", 0.5, 0.3, 0.2, flag_melanoma=False, review=True)])
    found = read_predictions(uri)
    assert (found.model_id, found.slugs, found.image_ids, found.version) == (MODEL, SLUGS, ("a", "b"), 1)
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.tolist() == pytest.approx(np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]))
    assert found.top.tolist() == [0, 1]
    assert found.flagged.tolist() == [False, True]  # type: ignore[union-attr]
    assert found.review.tolist() == [True, False]  # type: ignore[union-attr]


def test_the_newest_scored_row_counts_and_a_later_failure_does_not(tmp_path: Path) -> None:
    uri = write_table(
        tmp_path, [scored_row("a", 0, 1, 0, day=2), scored_row("a", 1, 0, 0, day=1), failed_row("a", day=3)]
    )
    write_table(
        tmp_path, [failed_row("b"), scored_row("b", 0, 0, 1, day=1), failed_row("c", day=1), failed_row("c", day=2)]
    )
    found = read_predictions(uri)
    assert dict(zip(found.image_ids, found.top.tolist(), strict=True)) == {"a": 1, "b": 2}
    assert (found.superseded, found.failed) == (1, {"c"})


def test_an_id_of_two_contents_is_ambiguous_and_of_two_copies_is_not(tmp_path: Path) -> None:
    elsewhere = {"image_uri": "file:///elsewhere/x.jpg"}
    rows = [
        scored_row("a", 1, 0, 0),
        scored_row("a", 0, 1, 0, **elsewhere, image_sha256="f" * 64),
        scored_row("b", 1, 0, 0),
        scored_row("b", 0, 0, 1, **{**elsewhere, "image_uri": "file:///elsewhere/y.jpg"}, day=1),
    ]
    found = read_predictions(write_table(tmp_path, rows))
    assert (found.image_ids, found.top.tolist(), found.ambiguous) == (("b",), [2], {"a"})


def test_an_overwritten_photograph_is_not_a_second_content(tmp_path: Path) -> None:
    rows = [scored_row("a", 1, 0, 0), scored_row("a", 0, 1, 0, day=1, image_version="2", image_sha256="f" * 64)]
    found = read_predictions(write_table(tmp_path, rows))
    assert (found.image_ids, found.top.tolist(), found.ambiguous) == (("a",), [1], frozenset())


def test_one_of_several_models_must_be_named(tmp_path: Path) -> None:
    uri = write_table(tmp_path, [scored_row("a", 1, 0, 0)])
    write_table(tmp_path, [scored_row("a", 0.2, 0.8, slugs=("nevus", "scar"), model_id=OTHER_MODEL)], ("nevus", "scar"))
    with pytest.raises(UsageError, match=f"rows of 2 models, {MODEL}, {OTHER_MODEL}; choose one with --model-id"):
        read_predictions(uri)
    with pytest.raises(UsageError, match=f"no rows of --old-model m-x; the table has {MODEL}, {OTHER_MODEL}"):
        read_predictions(uri, "m-x", "--old-model")
    assert read_predictions(uri, MODEL).slugs == SLUGS
    other = read_predictions(uri, OTHER_MODEL)
    assert (other.slugs, other.top.tolist()) == (("nevus", "scar"), [1])
    assert other.probabilities.tolist() == [[pytest.approx(0.2), pytest.approx(0.8)]]


def test_a_flag_or_review_that_any_row_lacks_is_none(tmp_path: Path) -> None:
    uri = write_table(tmp_path, [scored_row("a", 1, 0, 0, flag_melanoma=True, review=True), scored_row("b", 1, 0, 0)])
    found = read_predictions(uri)
    assert (found.flagged, found.review) == (None, None)


def test_only_the_rows_of_one_run_are_read(tmp_path: Path) -> None:
    uri = write_table(tmp_path, [scored_row("a", 1, 0, 0, run_id="one"), scored_row("b", 1, 0, 0, run_id="one")])
    write_table(tmp_path, [scored_row("a", 0, 1, 0, run_id="two", day=1)])
    assert read_predictions(uri).top.tolist() == [1, 0]
    assert read_predictions(uri, run_id="one").top.tolist() == [0, 0]
    two = read_predictions(uri, run_id="two")
    assert (two.image_ids, two.superseded, two.version) == (("a",), 0, 2)
    with pytest.raises(UsageError, match=f"run three has no row of {MODEL}; the ids of the runs are in the view"):
        read_predictions(uri, run_id="three")


def test_a_table_whose_files_are_gone_may_work_later(tmp_path: Path) -> None:
    uri = write_table(tmp_path, [scored_row("a", 1, 0, 0)])
    for path in tmp_path.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(NothingCommittedError, match="the score table cannot be read"):
        read_predictions(uri)


def test_a_table_without_predictions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="score table"):
        read_table_predictions(table_in(tmp_path / "none"))
    with pytest.raises(DataError, match=f"{MODEL} has not scored any photograph"):
        read_predictions(write_table(tmp_path / "failed", [failed_row("a")]))
    with pytest.raises(DataError, match="the score table is empty"):
        read_predictions(write_table(tmp_path / "empty", []))


def test_inconsistent_rows_are_refused(tmp_path: Path) -> None:
    rows = [scored_row("a", 1, 0, 0), scored_row("b", 1, 0, 0, top_label="scar")]
    with pytest.raises(DataError, match="top_label has no probability column in 1 row"):
        read_predictions(write_table(tmp_path / "one", rows))
    rows[1] = scored_row("b", 1, 0, 0, p_nevus=None)
    with pytest.raises(DataError, match="p_nevus is null in some scored rows"):
        read_predictions(write_table(tmp_path / "two", rows))


def test_photographs_can_be_selected_with_more_classes(tmp_path: Path) -> None:
    uri = write_table(
        tmp_path, [scored_row("a", 0.1, 0.2, 0.7), scored_row("b", 0.5, 0.3, 0.2), scored_row("c", 1, 0, 0)]
    )
    taken = read_predictions(uri).take([1, 0], ("scar", "basal_cell_carcinoma", "nevus", "melanoma"))
    assert taken.image_ids == ("b", "a")
    assert taken.top.tolist() == [3, 1]
    assert taken.probabilities.tolist() == pytest.approx(np.array([[0, 0.2, 0.3, 0.5], [0, 0.7, 0.2, 0.1]]))
