"""Scored photographs that look like a training photograph are recognised from the photographs themselves."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.errors import DataError
from melanoma.evaluation.inputs.near_duplicates import with_near_duplicates
from melanoma.evaluation.inputs.training_set import TrainingSet
from tests.helpers import fill
from tests.helpers.predictions import table_predictions

TRAINED = TrainingSet(("split.csv",), frozenset({"lesion-0000", "lesion-0001"}), frozenset(), frozenset())


def test_smaller_and_turned_copies_are_near_and_others_are_not(tmp_path: Path) -> None:
    fill(tmp_path / "train", 3)
    fill(tmp_path / "other", 1, first=50)
    smaller = Image.open(tmp_path / "train" / "lesion-0000.jpg").resize((120, 90))
    turned = Image.open(tmp_path / "train" / "lesion-0001.jpg").rotate(90, expand=True)
    uris = [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "other/lesion-0050.jpg", "train/lesion-0002.jpg")]
    for picture, uri in zip((smaller, turned), uris, strict=False):
        picture.save(uri, quality=80)
    table = table_predictions(["a", "b", "c", "untrained"], image_uris=tuple(uris))
    found = with_near_duplicates(TRAINED, [str(tmp_path / "train")], table, ["a", "b", "c", "untrained", "not scored"])
    assert found.alike == {"a", "b"} and found.searched
    assert found.shares("a", "", "") == "near_duplicate" and not found.shares("c", "", "")


def test_an_unreadable_photograph_is_near_no_other(tmp_path: Path) -> None:
    fill(tmp_path / "train", 2)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "train" / "lesion-0000.jpg").read_bytes()[:200])
    grey = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 9, np.uint8)).save(grey, "png")
    (tmp_path / "grey.png").write_bytes(grey.getvalue())
    table = table_predictions(["a", "b"], image_uris=(str(tmp_path / "cut.jpg"), str(tmp_path / "grey.png")))
    assert with_near_duplicates(TRAINED, [str(tmp_path / "train")], table, ["a", "b"]).alike == frozenset()


def test_a_folder_without_training_photographs_is_refused(tmp_path: Path) -> None:
    fill(tmp_path / "wrong", 2, first=70)
    with pytest.raises(DataError, match="holds no photograph that --trained-on names"):
        with_near_duplicates(TRAINED, [str(tmp_path / "wrong")], table_predictions(["a"], image_uris=("x",)), ["a"])
