"""Readers that follow the documentation get every row once, and the log keeps no name."""

import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet
import pytest
from deltalake import DeltaTable

from melanoma.table.schema import STATISTICS_COLUMNS, score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SHA, SLUGS, failed, row

README = (ROOT / "README.md").read_text(encoding="utf-8")


RUNS, PHOTOGRAPHS = 12, 4


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with out/scores after several runs, whose log has a checkpoint in the middle."""
    folder = tmp_path_factory.mktemp("grown")
    table = ScoreTable.open(layout_of(folder / "out" / "scores"))
    for run in range(RUNS):
        rows = [row(f"{run}-{index}", run_id=f"run-{run}", attempt=1 + index % 2) for index in range(PHOTOGRAPHS - 1)]
        rows.append(failed(f"{run}-last", run_id=f"run-{run}"))
        batches = pa.Table.from_pylist(rows, schema=score_schema(SLUGS)).to_batches()
        table.append(f"run-{run}", score_schema(SLUGS), iter(batches))
        if run == RUNS // 2:
            DeltaTable(str(folder / "out" / "scores")).create_checkpoint()
    assert (folder / "out" / "scores" / "_delta_log" / "_last_checkpoint").exists()
    return folder


@pytest.fixture(scope="module")
def compacted(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(grown, tmp_path_factory.mktemp("compacted") / "here"))
    table_in(folder / "out" / "scores").compact()
    return folder


@pytest.fixture(scope="module")
def thinned(compacted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after somebody has deleted every second attempt, as an analyst would."""
    folder = Path(shutil.copytree(compacted, tmp_path_factory.mktemp("thinned") / "here"))
    DeltaTable(str(folder / "out" / "scores")).delete("attempt = 2")
    return folder


@pytest.mark.parametrize("state", ["grown", "compacted", "thinned"])
def test_the_examples_of_the_readme_read_every_row_once(
    state: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(request.getfixturevalue(state))
    (block,) = re.findall(r"## Reading the table\n.*?```python\n(.*?)```", README, re.DOTALL)
    found: dict[str, Any] = {}
    exec(block, found)  # noqa: S102 - the page itself is tested
    expected = {
        f"DOE-{run}-{index}"
        for run in range(RUNS)
        for index in [*range(PHOTOGRAPHS - 1), "last"]
        if state != "thinned" or index != 1
    }
    arrow = found["scores"].to_table()
    assert len(expected) == arrow.num_rows and set(arrow["image_id"].to_pylist()) == expected
    as_rows = sorted(arrow.to_pylist(), key=lambda row: row["image_id"])
    assert sorted(found["lazy"].collect().to_dicts(), key=lambda row: row["image_id"]) == as_rows
    frame = found["frame"].sort_values("image_id")
    assert list(frame["image_id"]) == [row["image_id"] for row in as_rows]
    assert frame["p_nevus"].sum() == pytest.approx(sum(row["p_nevus"] or 0 for row in as_rows))
    tried = [label for row in as_rows for label in [row["top_label"]]]
    assert dict(found["answer"].fetchall()) == {"nevus": tried.count("nevus"), None: RUNS}


@pytest.mark.parametrize("state", ["compacted", "thinned"])
def test_a_glob_over_the_files_is_not_the_table(state: str, request: pytest.FixtureRequest) -> None:
    """The documentation warns of this; if it fails, the warning can go."""
    folder = request.getfixturevalue(state) / "out" / "scores"
    in_table = table_in(folder).dataset().count_rows()
    files = duckdb.read_parquet(f"{folder}/**/*.parquet", union_by_name=True)
    assert files.aggregate("count(*)").fetchall()[0][0] > in_table
    assert polars.scan_parquet(folder / "model_id=*" / "*.parquet").collect().height > in_table


@pytest.mark.parametrize("state", ["grown", "compacted", "thinned"])
def test_the_log_holds_no_name_no_error_and_no_digest(state: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(state) / "out" / "scores" / "_delta_log"
    logs = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    checkpoints = list(folder.glob("*.checkpoint.parquet"))
    assert len(logs) >= RUNS and checkpoints
    for path in checkpoints:
        logs[path.name] = str(pyarrow.parquet.read_table(path).to_pylist())
    for name, text in logs.items():
        assert "DOE" not in text and SHA not in text, name
    assert "minValues" in logs[f"{RUNS:020}.json"]


def test_statistics_are_kept_only_of_columns_that_name_nobody(grown: Path) -> None:
    added = DeltaTable(str(grown / "out" / "scores")).get_add_actions(flatten=True)
    kept = {name.partition(".")[2] for name in pa.table(added).schema.names if name.startswith(("min.", "max."))}
    assert kept == set(STATISTICS_COLUMNS)
    assert not kept & {"image_id", "image_uri", "image_version", "error", "image_sha256"}
