"""One row per photograph of a root is written as it is listed, or no file at all."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from melanoma.errors import ErrorKind, ReadError
from melanoma.queries.root_account import Explained, Finding, Reason
from melanoma.queries.root_names import SCHEMA, write_names


def listed(count: int) -> Iterator[Explained]:
    finding = Finding(Reason.FAILED, "skip", ErrorKind.EMPTY)
    return (Explained(f"file:///in/{n}.jpg", f"{n}", finding) for n in range(count))


@pytest.mark.parametrize("count", [0, 1, 4096, 5000])
def test_every_photograph_is_a_row(tmp_path: Path, count: int) -> None:
    assert write_names(listed(count), str(tmp_path / "names.parquet")) == count
    table = pyarrow.parquet.read_table(tmp_path / "names.parquet")
    assert table.schema == SCHEMA and table["image_id"].to_pylist() == [str(n) for n in range(count)]
    assert (
        table.to_pylist()[-1:]
        == [
            {
                "image_uri": f"file:///in/{n}.jpg",
                "image_id": str(n),
                "reason": "failed",
                "error_kind": "empty",
                "next_run": "skip",
            }
            for n in range(count)
        ][-1:]
    )


def test_a_listing_that_fails_leaves_the_older_file(tmp_path: Path) -> None:
    def failing() -> Iterator[Explained]:
        yield from listed(5000)
        raise ReadError(ErrorKind.TIMEOUT, "the store does not answer")

    (tmp_path / "names.csv").write_text("older", encoding="utf-8")
    with pytest.raises(ReadError, match="does not answer"):
        write_names(failing(), str(tmp_path / "names.csv"))
    assert (tmp_path / "names.csv").read_text(encoding="utf-8") == "older"
    assert [path.name for path in tmp_path.iterdir()] == ["names.csv"]
