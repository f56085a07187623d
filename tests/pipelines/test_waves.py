"""A first run scores while it lists. Wherever it is killed, nothing is lost or doubled: the table has all or none."""

import time
from pathlib import Path
from typing import Any

import pytest

from melanoma.runs import lister
from melanoma.runs.records import Counts
from tests.helpers import faults, fill
from tests.helpers.holding_store import score_held
from tests.helpers.pipeline_runs import assert_one_row_each, committed, leftovers, rows

SECONDS = 60.0  # after which a wait has failed
SIZES: dict[str, Any] = {"wave_size": 6, "chunk_size": 2}


@pytest.mark.parametrize("held", ["c", "c/lesion-0001.jpg"], ids=["listing", "scoring"])
def test_a_first_run_that_is_killed_while_it_lists_or_scores_is_resumed(
    tmp_path: Path, bundle_uri: str, held: str
) -> None:
    images, output, hold = tmp_path / "in", tmp_path / "out", tmp_path / "in.hold"
    for name in "abc":
        fill(images / name, 4)
    hold.write_text(str(images / held))
    process = faults.start(score_with_waves, images, output, bundle_uri)
    try:
        staged = wait_for_staged(output)
    finally:
        process.kill()
        process.join(SECONDS)
    assert committed(output) == 0 and not list(output.glob("_reports/*"))
    assert (held == "c") is not bool(list(output.glob("_staging/*/*/images.txt")))
    hold.unlink()
    fill(images / "b", 1, first=4)
    record = score_held(images, output, bundle_uri, **SIZES)
    assert record.counts == Counts(listed=13, scored=13)
    assert_one_row_each(output, 13, record)
    assert 0 < staged <= record.adopted < 13 and not leftovers(output, record)


def score_with_waves(images: Path, output: Path, bundle_uri: str) -> None:
    lister._PAGE = 3
    score_held(images, output, bundle_uri, **SIZES)


def wait_for_staged(output: Path) -> int:
    """Waits until a run stages nothing more, and returns how many photographs are staged, at most two a file."""
    until, files = time.monotonic() + SECONDS, list[Path]()
    while time.monotonic() < until:
        now = list(output.glob("_staging/*/*/*.arrow"))
        if now and now == files:
            return len(now)
        files = now
        time.sleep(1.0)
    raise TimeoutError("nothing was staged")


def test_waves_change_no_row(tmp_path: Path, bundle_uri: str) -> None:
    for name in "ab":
        fill(tmp_path / "in" / name, 4)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"GIF89a")
    score_held(tmp_path / "in", tmp_path / "whole", bundle_uri)
    score_held(tmp_path / "in", tmp_path / "waves", bundle_uri, wave_size=3, chunk_size=1)
    by_run = ("run_id", "scored_at")
    whole, waves = (
        [{name: value for name, value in row.items() if name not in by_run} for row in rows(tmp_path / output)]
        for output in ("whole", "waves")
    )
    assert len(whole) == 9 and waves == whole
