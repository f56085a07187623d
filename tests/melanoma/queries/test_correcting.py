"""What a manifest says differently about scored photographs shows in every view, and in no row of the table."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from melanoma.queries.correcting import correct
from melanoma.queries.views import query
from melanoma.table.corrections import Corrections
from melanoma.table.schema import score_schema
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SLUGS, commit, failed, row

KEPT = pa.schema([("sex", pa.string()), ("age", pa.int64()), ("it's", pa.date32())])
DATE = datetime.date(2020, 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs, one of them with two versions and two models."""
    rows = [
        row("a", sex="f", age=61, **{"it's": DATE}),
        row("a", image_version="v2", sex="f", age=61, **{"it's": DATE}),
        row("a", model_id="m-000000000002", run_id="20260103T000000Z-00000000", sex="f", age=61, **{"it's": DATE}),
        failed("b", sex="m", age=40),
        row("c", sex=None, age=None),
    ]
    commit(tmp_path, rows, score_schema(SLUGS, KEPT))
    return tmp_path


def stated(**columns: list[Any]) -> pa.Table:
    """What a manifest says, by the names of the photographs."""
    uris = [row(name)["image_uri"] for name in columns.pop("name")]
    types = {**{field.name: field.type for field in KEPT}, "image_id": pa.string()}
    return pa.table({"image_uri": uris, **{name: pa.array(values, types[name]) for name, values in columns.items()}})


def shown(folder: Path, columns: str, view: str = "scores") -> set[tuple[Any, ...]]:
    found = query(table_in(folder), f"SELECT {columns} FROM {view}")  # noqa: S608
    return {tuple(entry.values()) for entry in found.to_pylist()}


def test_a_manifest_that_says_the_same_corrects_nothing(folder: Path) -> None:
    same = stated(name=["a", "b", "c", "unknown"], sex=["f", "m", None, "f"], age=[61, 40, None, 1])
    assert correct(table_in(folder), same) == 0
    assert not (folder / "_corrections").exists()
    assert shown(folder, "sex, age") == {("f", 61), ("m", 40), (None, None)}


def test_corrected_values_show_in_every_view_but_not_in_the_raw_rows(folder: Path) -> None:
    before = table_in(folder)
    assert correct(before, stated(name=["a", "b", "c"], sex=["m", "m", "x"], age=[61, None, None])) == 3
    assert shown(folder, "sex, age") == {("m", 61), ("m", None), ("x", None)}
    assert shown(folder, "sex, age", "latest") == {("m", 61), ("x", None)}
    assert shown(folder, "sex", "current") == {("m",), ("x",)}
    assert shown(folder, "sex, age", "raw_scores") == {("f", 61), ("m", 40), (None, None)}
    assert table_in(folder).version == before.version
    assert shown(folder, "count(*)") == {(5,)}


def test_later_corrections_add_to_earlier_ones_and_may_go_back(folder: Path) -> None:
    assert correct(table_in(folder), stated(name=["a", "c"], sex=["m", "x"])) == 2
    changed = {"name": ["a"], "age": [62], "image_id": ["A"], "it's": [None]}
    assert correct(table_in(folder), stated(**changed)) == 1
    assert correct(table_in(folder), stated(**changed)) == 0
    assert shown(folder, """sex, age, image_id, "it's" """, "latest WHERE image_uri LIKE '%-a.jpg'") == {
        ("m", 62, "A", None)
    }
    assert correct(table_in(folder), stated(name=["a"], sex=["f"], age=[61])) == 1
    assert shown(folder, "sex, age, image_id") == {("f", 61, "A"), ("m", 40, "DOE-b"), ("x", None, "DOE-c")}
    assert Corrections.read(layout_of(folder)).uris_with("image_id", "A") == [row("a")["image_uri"]]


def test_a_corrected_id_shows_in_the_failures(folder: Path) -> None:
    assert correct(table_in(folder), stated(name=["b"], image_id=["B"])) == 1
    assert shown(folder, "image_id", "failures") == {("B",)}


def test_a_photograph_with_contradicting_rows_is_left_as_it_is(folder: Path) -> None:
    twice = stated(name=["a", "a", "b", "b"], sex=["m", "f", "f", "f"])
    assert correct(table_in(folder), twice) == 1
    assert shown(folder, "sex") == {("f",), (None,)}


def test_columns_that_the_table_lacks_are_no_corrections(folder: Path) -> None:
    table = stated(name=["a"], sex=["f"]).append_column("new", pa.array([1]))
    assert correct(table_in(folder), table) == 0
    assert correct(table_in(folder), table.select(["image_uri", "new"])) == 0


def test_corrections_of_photographs_without_rows_are_dropped(folder: Path) -> None:
    assert correct(table_in(folder), stated(name=["a"], sex=["m"])) == 1
    Corrections(pa.concat_tables([Corrections.read(layout_of(folder)).rows.slice(0, 1)])).write(layout_of(folder))
    gone = Corrections.read(layout_of(folder)).rows.set_column(0, "image_uri", pa.array(["file:///gone.jpg"]))
    Corrections(gone).write(layout_of(folder))
    assert correct(table_in(folder), stated(name=["c"], sex=["x"])) == 1
    assert Corrections.read(layout_of(folder)).rows["image_uri"].to_pylist() == [row("c")["image_uri"]]
