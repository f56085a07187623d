"""Sources of photographs, and a source that validation has for itself."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.label_tables import Columns
from melanoma.datasets.photograph_sources import validate_on
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.reading import read_sources
from melanoma.datasets.splits import Dataset
from melanoma.errors import UsageError
from tests.helpers import fill


def photographs() -> list[Photograph]:
    """Two photographs of `north`, one of which shares its lesion with a photograph of `south`, and two more."""
    rows = [
        ("a", "L1", "north"),
        ("b", "L2", "north"),
        ("c", "L2", "south"),
        ("d", "L3", "south"),
        ("e", "L4", "south"),
    ]
    return [Photograph(name, name, name, "nevus", group, source=source) for name, group, source in rows]


def test_a_source_and_all_of_its_lesions_move_to_validation() -> None:
    parts = validate_on(photographs(), np.array(["train", "test", "train", "train", "test"]), ["north"])
    assert parts.tolist() == ["validation", "validation", "validation", "train", "test"]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [(["east"], "east: no photograph is from there; sources: north, south"), (["north", "south"], "no other source")],
)
def test_a_source_that_is_unknown_or_the_only_one_is_refused(names: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        validate_on(photographs(), np.array(["train"] * 5), names)


def test_folders_and_columns_name_the_sources(tmp_path: Path) -> None:
    fill(tmp_path / "north" / "nevus", 2)
    fill(tmp_path / "files", 3, first=4)
    rows = "lesion-0004,mel,cam A\nlesion-0005,nv,cam B\nlesion-0006,nv,\n"
    (tmp_path / "south.csv").write_text("file,dx,camera\n" + rows)
    given = [str(tmp_path / "north"), str(tmp_path / "south.csv")]
    roots = [str(tmp_path / "files")]
    found = read_sources(given, Columns("file", "dx"), roots, source_column="camera", with_source=True).photographs
    assert [one.source for one in found] == ["north", "north", "cam A", "cam B", "south"]
    assert {one.source for one in read_sources(given, Columns("file", "dx"), roots).photographs} == {""}


def test_a_split_file_names_sources_only_where_they_are_known() -> None:
    known = Dataset(photographs(), np.array(["train"] * 5))
    rows = list(csv.DictReader(io.StringIO(known.to_csv().decode())))
    assert [row["source"] for row in rows] == ["north"] * 2 + ["south"] * 3
    unknown = Dataset([Photograph("a", "a", "a", "nevus", "L1")], np.array(["train"]))
    assert unknown.to_csv() == b"image_id,sha256,label,group,part\na,a,nevus,L1,train\n"
