"""A night with photographs that a decoder does not survive: each is one row, and the next night leaves it alone."""

import os
import subprocess
import sys
from pathlib import Path

from melanoma.images.decoder_process import decoder_mark
from tests.helpers import fill
from tests.helpers.decoder_faults import MARKS, write_site
from tests.helpers.outputs import table_in


def night(tmp_path: Path, bundle_uri: str, day: int) -> subprocess.CompletedProcess[str]:
    words = ["--images", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    words += ["--run-date", f"2026-01-0{day}", "--max-failed", "1"]
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", "score", *words],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_photographs_that_end_the_decoder_cost_their_own_rows(tmp_path: Path, bundle_uri: str) -> None:
    write_site(tmp_path / "site")
    paths = fill(tmp_path / "in", 8)
    faults = dict(zip(("segv", "exit", "memory", "lie"), paths, strict=False))
    for fault, path in faults.items():
        path.write_bytes(path.read_bytes() + MARKS[fault])
    finished = night(tmp_path, bundle_uri, 1)
    assert finished.returncode == 0, finished.stderr
    rows = table_in(tmp_path / "out").rows(["image_uri", "status", "error_kind", "error", "attempt"]).to_pylist()
    kinds = {Path(row["image_uri"]).name: row["error_kind"] for row in rows}
    expected = dict.fromkeys(("segv", "exit", "lie"), "decoder_crash") | {"memory": "out_of_memory"}
    assert kinds == {path.name: None for path in paths} | {faults[name].name: kind for name, kind in expected.items()}
    assert all(row["error"].endswith(decoder_mark()) for row in rows if row["error_kind"] == "decoder_crash")

    assert night(tmp_path, bundle_uri, 2).returncode == 0
    again = table_in(tmp_path / "out").rows(["image_uri", "attempt"]).to_pylist()
    assert [Path(row["image_uri"]).name for row in again if row["attempt"] == 2] == [faults["memory"].name]
    assert len(again) == len(rows) + 1
