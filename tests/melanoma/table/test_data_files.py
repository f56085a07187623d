"""A file of the table that is not a regular file in its folder is refused before anything opens it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from melanoma.errors import UsageError
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row


@pytest.fixture
def output(tmp_path: Path) -> Path:
    commit(tmp_path / "out", [row("a")], run_id="first")
    return tmp_path / "out"


def data_file(output: Path) -> Path:
    (path,) = output.glob("model_id=*/*.parquet")
    return path


def append_to_log(output: Path, action: dict[str, Any]) -> None:
    """Commits an action as any Delta client could."""
    number = len(list((output / "_delta_log").glob("*.json")))
    (output / "_delta_log" / f"{number:020}.json").write_text(json.dumps(action) + "\n")


def added(output: Path) -> dict[str, Any]:
    lines = sorted((output / "_delta_log").glob("*.json"))[-1].read_text().splitlines()
    return next(action["add"] for action in map(json.loads, lines) if "add" in action)


def test_a_pipe_in_place_of_a_data_file_is_refused_and_not_read(output: Path) -> None:
    path = data_file(output)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"the data file model_id=.* is a link, a pipe or a device"):
        table_in(output)


def test_a_link_out_of_the_table_is_refused(output: Path, tmp_path: Path) -> None:
    path = data_file(output)
    path.rename(tmp_path / "elsewhere.parquet")
    path.symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(UsageError, match="is a link, a pipe or a device, expected a regular file"):
        table_in(output)


@pytest.mark.parametrize(
    "name", ["{there}", "../elsewhere.parquet", "model_id=m-1/../../elsewhere.parquet", "x.parquet"]
)
def test_a_data_file_elsewhere_is_refused(output: Path, tmp_path: Path, name: str) -> None:
    there = tmp_path / "elsewhere.parquet"
    there.write_bytes(data_file(output).read_bytes())
    append_to_log(output, {"add": {**added(output), "path": name.format(there=there)}})
    with pytest.raises(UsageError, match="names a data file outside of its folder"):
        table_in(output)


def test_a_table_that_is_open_refuses_a_file_that_comes_later(output: Path) -> None:
    table = table_in(output)
    append_to_log(output, {"add": {**added(output), "path": "/etc/passwd"}})
    with pytest.raises(UsageError, match="names a data file outside of its folder"):
        table.refresh()


def test_a_pipe_in_the_log_is_refused_and_not_read(output: Path) -> None:
    os.mkfifo(output / "_delta_log" / f"{9:020}.json")
    with pytest.raises(UsageError, match=r"00000000000000000009\.json in the log of the score table is a pipe"):
        table_in(output)


def test_a_table_in_a_linked_folder_is_read(output: Path, tmp_path: Path) -> None:
    """Whoever links the whole output knows where it leads."""
    (tmp_path / "linked").symlink_to(output)
    assert table_in(tmp_path / "linked").rows(["image_id"]).num_rows == 1


def test_a_data_file_that_is_gone_is_named_when_it_is_read(output: Path) -> None:
    data_file(output).unlink()
    with pytest.raises(UsageError, match="a data file of the score table is gone"):
        table_in(output).rows(["image_id"])
