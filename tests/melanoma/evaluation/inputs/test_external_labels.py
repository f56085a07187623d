"""External labels: one source per file, or per value of a column."""

from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.evaluation.inputs.external_labels import ExternalColumns, read_external, source_names
from tests.helpers.score_tables import write_labels

COLUMNS = ExternalColumns("image", "dx", "lesion")


def test_a_file_is_one_source_named_like_it(tmp_path: Path) -> None:
    file = write_labels(tmp_path / "north.csv", "image,dx,lesion\na,mel,L1\nb,nv,L2\n")
    (found,) = read_external([file], COLUMNS)
    assert found.source == "north"
    assert {name: label.group for name, label in found.ground_truth.by_id.items()} == {"a": "L1", "b": "L2"}


def test_a_column_names_the_sources_and_small_ones_are_pooled(tmp_path: Path) -> None:
    rows = [f"{i},nv,{'camera' if i < 50 else f'IP_{i}'}" for i in range(80)]
    file = write_labels(tmp_path / "x.csv", "image,dx,source\n" + "\n".join(rows) + "\n80,nv,\n")
    found = {
        one.source: one.ground_truth for one in read_external([file], ExternalColumns("image", "dx", None, "source"))
    }
    assert {name: len(truth.by_id) for name, truth in found.items()} == {"camera": 50, "other sources": 31}
    assert all(label.by == () for truth in found.values() for label in truth.by_id.values())


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    files = [write_labels(tmp_path / folder / "x.csv", "image,dx,lesion\na,mel,L1\n") for folder in ("", "b")]
    with pytest.raises(UsageError, match="--external: 'x' names two sources"):
        read_external(files, COLUMNS)


def test_errors_name_the_flag(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--external .*absent\.csv"):
        read_external([str(tmp_path / "absent.csv")], COLUMNS)


def test_the_name_of_a_source_is_never_empty() -> None:
    assert source_names([""] * 60 + ["a"] * 50) == ["other sources"] * 60 + ["a"] * 50
