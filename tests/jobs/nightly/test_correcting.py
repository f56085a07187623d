"""Two runs over one manifest that was corrected in between: nothing is scored again, and the views are right."""

from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.operations.erasure import erase, remember
from melanoma.queries.views import query
from tests.helpers import fill
from tests.helpers.outputs import table_in


def run(tmp_path: Path, bundle_uri: str, *lines: str) -> int:
    """Scores what a manifest lists."""
    (tmp_path / "manifest.csv").write_text("\n".join(["uri,image_id,sex,age", *lines]) + "\n")
    words = ["--manifest", str(tmp_path / "manifest.csv"), "--keep", "sex", "age", "--bundle", bundle_uri]
    return main(["score", *words, "--output", str(tmp_path / "out")])


def shown(tmp_path: Path, view: str) -> list[tuple[str, str, int]]:
    found = query(table_in(tmp_path / "out"), f"SELECT image_id, sex, age FROM {view} ORDER BY image_uri")  # noqa: S608
    return [(row["image_id"], row["sex"], row["age"]) for row in found.to_pylist()]


def test_a_corrected_manifest_changes_what_the_views_show_and_scores_nothing(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = fill(tmp_path / "in", 2)
    assert run(tmp_path, bundle_uri, f"{first},007,f,61", f"{second},8,m,40") == 0
    assert "Corrected" not in capsys.readouterr().out
    version = table_in(tmp_path / "out").version
    assert run(tmp_path, bundle_uri, f"{first},007,m,62", f"{second},9,m,40") == 0
    out = capsys.readouterr().out
    assert "Corrected the values of 2 photographs as the manifest says; none was scored again" in out
    assert shown(tmp_path, "current") == shown(tmp_path, "scores") == [("007", "m", 62), ("9", "m", 40)]
    assert shown(tmp_path, "raw_scores") == [("007", "f", 61), ("8", "m", 40)]
    assert table_in(tmp_path / "out").version == version
    assert run(tmp_path, bundle_uri, f"{first},007,m,unknown") == 2
    err = capsys.readouterr().err
    assert "column age, row 2: expected a whole number without leading zeros, as the column is int64" in err
    assert "unknown" not in err
    table = table_in(tmp_path / "out")
    erase(table, remember(table, [f"file://{first}"]))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in files if b"lesion-0000" in path.read_bytes()]
    assert shown(tmp_path, "current") == [("9", "m", 40)]
