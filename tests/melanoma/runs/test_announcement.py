"""How many photographs a run lists and scores is told in one small file."""

from pathlib import Path

import pytest

from melanoma.runs import staging
from melanoma.runs.announcement import Announcement, announce, announced
from tests.helpers.planned_runs import run_on


def test_the_last_announcement_counts(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    assert announced(run) is None
    announce(run, Announcement(1234, is_final=False))
    assert announced(run) == Announcement(1234, is_final=False)
    announce(run, Announcement(1000))
    assert announced(run) == Announcement(1000, is_final=True)
    assert staging.staged_files(run) == []


@pytest.mark.parametrize("damaged", [b"", b"+", b"12x", b"\xff"])
def test_a_damaged_announcement_is_none(tmp_path: Path, damaged: bytes) -> None:
    run = run_on(tmp_path)
    announce(run, Announcement(1))
    Path(run.layout.announcement(run.fingerprint, run.run_id).removeprefix("file://")).write_bytes(damaged)
    assert announced(run) is None
