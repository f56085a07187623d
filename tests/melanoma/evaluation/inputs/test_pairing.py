"""Two predictions for the same photographs meet by id and content."""

from collections.abc import Sequence

import numpy as np
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.inputs.pairing import pair_predictions
from melanoma.evaluation.inputs.table_predictions import TablePredictions


def table(
    ids: str, slugs: Sequence[str] = ("melanoma", "nevus"), sha256: Sequence[str] = (), model_id: str = "m-1"
) -> TablePredictions:
    """Returns predictions for photographs with one letter each; the first class has probability 0.1, 0.2 and so on."""
    p = np.zeros((len(ids), len(slugs)), np.float32)
    p[:, 0] = np.arange(1, len(ids) + 1) / 10
    p[:, 1] = 1 - p[:, 0]
    return TablePredictions(
        table=f"tables/{model_id}",
        version=1,
        model_id=model_id,
        slugs=tuple(slugs),
        image_ids=tuple(ids),
        sha256=tuple(sha256) or tuple(f"hash of {name}" for name in ids),
        probabilities=p,
        top=p.argmax(axis=1),
        flagged=p[:, 0] > 0.15,
        review=None,
        failed=frozenset(),
        superseded=0,
        ambiguous=frozenset(),
    )


def test_photographs_meet_by_id_whatever_their_order() -> None:
    pair = pair_predictions(table("abcd"), table("xdba"))
    assert pair.old.image_ids == pair.new.image_ids == ("a", "b", "d")
    assert pair.old.probabilities[:, 0] == pytest.approx([0.1, 0.2, 0.4])
    assert pair.new.probabilities[:, 0] == pytest.approx([0.4, 0.3, 0.2])
    assert pair.new.flagged is not None and pair.new.flagged.tolist() == [True, True, True]
    assert (pair.only_old, pair.only_new, pair.other_bytes) == (1, 1, 0)


def test_an_id_with_other_contents_is_left_out_and_one_without_a_hash_is_not() -> None:
    pair = pair_predictions(table("abc", sha256=["1", "2", ""]), table("abc", sha256=["1", "other", "3"]))
    assert pair.old.image_ids == ("a", "c")
    assert pair.other_bytes == 1


def test_classes_of_one_side_have_probability_0_on_the_other() -> None:
    pair = pair_predictions(table("ab"), table("ab", ("scar", "nevus")))
    assert pair.common == ("nevus",)
    assert pair.old.slugs == pair.new.slugs == ("nevus", "melanoma", "scar")
    assert pair.old.probabilities == pytest.approx(np.array([[0.9, 0.1, 0], [0.8, 0.2, 0]]))
    assert pair.new.probabilities == pytest.approx(np.array([[0.9, 0, 0.1], [0.8, 0, 0.2]]))
    assert (pair.old.top.tolist(), pair.new.top.tolist()) == ([0, 0], [0, 0])


def test_without_a_photograph_or_a_class_in_common_the_message_says_which() -> None:
    with pytest.raises(DataError, match="m-1 in tables/m-1 and m-2 in tables/m-2 have no photograph in common"):
        pair_predictions(table("ab"), table("cd", model_id="m-2"))
    with pytest.raises(DataError, match="have no photograph in common"):
        pair_predictions(table("a"), table("a", sha256=["other"]))
    with pytest.raises(DataError, match="have no class in common"):
        pair_predictions(table("ab"), table("ab", ("scar", "wart")))
