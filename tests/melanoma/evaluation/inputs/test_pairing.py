"""Two predictions for the same photographs are paired by id and content."""

import numpy as np
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.inputs.pairing import pair_predictions
from tests.helpers.predictions import table_predictions


def test_photographs_are_paired_by_id_whatever_their_order() -> None:
    pair = pair_predictions(table_predictions("abcd"), table_predictions("xdbaz"))
    assert pair.old.image_ids == pair.new.image_ids == ("a", "b", "d")
    assert pair.old.probabilities[:, 0] == pytest.approx([0.1, 0.2, 0.4])
    assert pair.new.probabilities[:, 0] == pytest.approx([0.4, 0.3, 0.2])
    assert pair.new.flagged is not None and pair.new.flagged.tolist() == [True, True, True]
    assert (pair.only_old, pair.only_new, pair.other_bytes) == (1, 2, 0)


def test_an_id_with_other_contents_is_left_out_and_one_without_a_hash_is_not() -> None:
    old = table_predictions("abc", sha256=["1", "2", ""])
    pair = pair_predictions(old, table_predictions("abc", sha256=["1", "other", "3"]))
    assert pair.old.image_ids == ("a", "c")
    assert pair.other_bytes == 1


def test_classes_of_one_side_have_probability_0_on_the_other() -> None:
    pair = pair_predictions(table_predictions("ab"), table_predictions("ab", ("scar", "nevus")))
    assert pair.common == ("nevus",)
    assert pair.old.slugs == pair.new.slugs == ("nevus", "melanoma", "scar")
    assert pair.old.probabilities == pytest.approx(np.array([[0.9, 0.1, 0], [0.8, 0.2, 0]]))
    assert pair.new.probabilities == pytest.approx(np.array([[0.9, 0, 0.1], [0.8, 0, 0.2]]))
    assert (pair.old.top.tolist(), pair.new.top.tolist()) == ([0, 0], [0, 0])


def test_the_error_says_whether_photographs_or_classes_in_common_are_missing() -> None:
    with pytest.raises(DataError, match="m-1 in tables/m-1 and m-2 in tables/m-2 have no photograph in common"):
        pair_predictions(table_predictions("ab"), table_predictions("cd", model_id="m-2"))
    with pytest.raises(DataError, match="have no photograph in common"):
        pair_predictions(table_predictions("a"), table_predictions("a", sha256=["other"]))
    with pytest.raises(DataError, match="have no class in common"):
        pair_predictions(table_predictions("ab"), table_predictions("ab", ("scar", "wart")))
