"""The output of an earlier version is read, resumed and appended to; its README describes the data."""

import importlib.metadata
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from melanoma.model.bundle import load_bundle
from melanoma.runs.run_history import read_series
from melanoma.table.forgotten import Forgotten
from tests.helpers import ROOT, ROUNDING
from tests.helpers.outputs import layout_of, table_in

DATA = ROOT / "tests" / "data" / "version-0.1"
VERSIONS = json.loads((DATA / "versions.json").read_text())
STAGED, LISTED, DONE = 11, 25, 10
# The decoder and both libraries are part of the fingerprint by which staged rows are adopted.
IS_SAME = all(importlib.metadata.version(name) == VERSIONS[name] for name in ("tensorflow", "keras", "simplejpeg"))
MODEL, PROMOTED = "m-357070446da4", "m-fafa18f7b741"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the data in which the store lists the photographs as it did for the earlier version."""
    copy = Path(shutil.copytree(DATA, tmp_path_factory.mktemp("earlier") / "version-0.1"))
    for name, modified in json.loads((copy / "mtimes.json").read_text()).items():
        os.utime(copy / "photographs" / name, (modified, modified))
    return copy


@pytest.fixture(scope="module")
def record(folder: Path) -> dict[str, Any]:
    """The record of the next run, by this version."""
    before = set((folder / "table" / "_reports").glob("*.json"))
    words = ["--images", str(folder / "photographs"), "--uri-base", "/archive/dermoscopy", "--chunk-size", "3"]
    words += ["--bundle", str(folder / "bundle"), "--output", str(folder / "table"), "--run-date", "2026-01-06"]
    assert main(["score", *words]) == 0
    written = sorted(set((folder / "table" / "_reports").glob("*.json")) - before)
    documents = [json.loads(path.read_text()) for path in written]
    assert [document["outcome"] for document in documents] == ["killed", "committed"]
    return dict(documents[-1])


def test_the_bundle_keeps_its_model_id() -> None:
    assert load_bundle(str(DATA / "bundle")).model_id == MODEL


def test_the_killed_run_is_resumed(record: dict[str, Any]) -> None:
    counts = record["counts"]
    assert (counts["listed"], counts["scored"], counts["skipped"]) == (LISTED, LISTED - DONE, DONE)
    assert record["adopted"] == (STAGED if IS_SAME else 0)
    assert record["run_date"] == "2026-01-06" and record["model_id"] == MODEL


def test_every_row_is_what_the_earlier_version_would_have_written(folder: Path, record: dict[str, Any]) -> None:
    expected = json.loads((DATA / "expected.json").read_text())
    rows = table_in(folder / "table").dataset().to_table().to_pylist()
    rows.sort(key=lambda row: (row["image_uri"], row["model_id"]))
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        found = {**row, "run_date": row["run_date"].isoformat()}
        for name, value in wanted.items():
            is_number = isinstance(value, float)
            assert found[name] == (pytest.approx(value, rel=0, abs=ROUNDING) if is_number else value), name
        assert set(found) - set(wanted) == {"run_id", "scored_at"}


def test_a_forgotten_photograph_stays_forgotten(folder: Path, record: dict[str, Any]) -> None:
    forgotten = Forgotten.read(layout_of(folder / "table"))
    assert forgotten is not None and "file:///archive/dermoscopy/lesion-0001.jpg" in forgotten
    ids = table_in(folder / "table").rows(["image_id"])["image_id"].to_pylist()
    assert "lesion-0001" not in ids and "lesion-0002" in ids


def test_models_history_and_series_continue(folder: Path, record: dict[str, Any]) -> None:
    table = table_in(folder / "table")
    assert table.promoted() == PROMOTED and {model.model_id for model in table.models()} == {MODEL, PROMOTED}
    whats = [version.what for version in reversed(table.history())]
    assert (
        whats == ["made", "night", "made", "night", "forgotten", f"promoted {PROMOTED}", "night"]
        or whats[-1] == "night"
    )
    outcomes = [night["outcome"] for night in read_series(layout_of(folder / "table"))]
    assert outcomes == ["committed", "committed", "committed", "nothing_new", "killed", "committed"]
    # One file of deferred photographs was read, and none is deferred any more.
    assert not list((folder / "table" / "_staging").rglob("leftovers"))


def test_a_second_run_commits_nothing(folder: Path, record: dict[str, Any]) -> None:
    version = table_in(folder / "table").version
    words = ["--images", str(folder / "photographs"), "--uri-base", "/archive/dermoscopy"]
    words += ["--bundle", str(folder / "bundle"), "--output", str(folder / "table"), "--run-date", "2026-01-07"]
    assert main(["score", *words]) == 0
    assert table_in(folder / "table").version == version
