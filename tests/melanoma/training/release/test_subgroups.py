"""Patient data for subgroups, read from the tables of a training."""

from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.training.release.subgroups import read_subgroups


def table(path: Path, *rows: str) -> str:
    path.write_text("\n".join(["image,diagnosis,age,site", *rows]) + "\n")
    return str(path)


def test_ages_are_binned_and_texts_are_kept(tmp_path: Path) -> None:
    uri = table(tmp_path / "a.csv", "x,mel,29,back", "y,nv,30,foot", "z,nv,80,")
    assert read_subgroups([uri], "image", "diagnosis", ["age", "site"]) == {
        "age": {"x": "0-29", "y": "30-44", "z": "75+"},
        "site": {"x": "back", "y": "foot", "z": "unknown"},
    }


def test_a_later_table_overrides_an_earlier_one(tmp_path: Path) -> None:
    first = table(tmp_path / "a.csv", "x,mel,29,back", "y,nv,30,foot")
    second = table(tmp_path / "b.csv", "y,nv,50,hand", "w,nv,60,hand")
    assert read_subgroups([first, second], "image", "diagnosis", ["site"]) == {
        "site": {"x": "back", "y": "hand", "w": "hand"}
    }


def test_without_tables_every_column_is_empty() -> None:
    assert read_subgroups([], "image", "diagnosis", ["age"]) == {"age": {}}


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'sex'"):
        read_subgroups([table(tmp_path / "a.csv", "x,mel,29,back")], "image", "diagnosis", ["sex"])
