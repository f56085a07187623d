"""Progress is counted from staged files: as a bar on a terminal, as lines in a log."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.nightly import progress
from jobs.nightly.progress import Progress, line, showing_progress
from melanoma.runs import staging
from melanoma.runs.announcement import Announcement, announce
from melanoma.runs.run import Run
from tests.helpers.model_runs import model_run
from tests.helpers.score_tables import scored_row


@pytest.fixture
def run(tmp_path: Path, bundle_uri: str) -> Run:
    return model_run(tmp_path / "out", bundle_uri).run


def stage(run: Run, number: int, rows: int) -> None:
    table = pa.Table.from_pylist([scored_row(f"{number}-{row}", 0.2, 0.3, 0.5) for row in range(rows)], run.schema)
    staging.write_chunk(run, number, table)


def test_a_line_has_counts_rate_and_time_left() -> None:
    assert line(25, 100, 2.5) == "scored 25 of 100 (25%), 2.5 photographs/s, about 30 s left"
    assert line(1000, 1_000_000, 100.0) == "scored 1,000 of 1,000,000 (0%), 100 photographs/s, about 166 min left"


def test_more_rows_than_announced_leave_no_negative_time() -> None:
    assert line(110, 100, 10.0).endswith("about 0 s left")


def test_a_log_gets_a_line_for_every_interval_once_rows_are_staged(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.0)
    shown = Progress(run)
    shown.update()  # nothing is announced yet
    announce(run, Announcement(8))
    shown.update()  # nothing is staged yet
    assert capsys.readouterr().err == ""
    stage(run, 0, 2)
    shown.update()
    stage(run, 1, 3)
    shown.update()
    lines = capsys.readouterr().err.splitlines()
    assert [text.split(",")[0] for text in lines] == ["scored 2 of 8 (25%)", "scored 5 of 8 (62%)"]


def test_neither_the_listing_nor_rows_of_an_earlier_run_count_for_the_time_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = Progress(run)
    announce(run, Announcement(100))
    stage(run, 0, 40)
    now += 5000.0  # of listing
    shown.update()
    assert capsys.readouterr().err == ""
    stage(run, 1, 20)
    now += 10.0
    shown.update()
    assert "scored 60 of 100 (60%), 2.0 photographs/s, about 20 s left" in capsys.readouterr().err


def test_a_log_tells_what_is_listed_and_what_of_it_is_scored(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.0)
    shown = Progress(run)
    announce(run, Announcement(4096, is_final=False))
    shown.update()
    assert capsys.readouterr().err == "listed 4,096 photographs so far\n"
    stage(run, 0, 2)
    shown.update()  # the rate begins here
    announce(run, Announcement(8192, is_final=False))
    stage(run, 1, 3)
    shown.update()
    announce(run, Announcement(10))
    stage(run, 2, 1)
    shown.update()
    while_listing, after = capsys.readouterr().err.splitlines()
    assert while_listing.startswith("scored 5 of 8,192 listed so far, ") and while_listing.endswith(" photographs/s")
    assert after.startswith("scored 6 of 10 (60%), ") and after.endswith(" left")


def test_a_log_gets_no_line_before_its_time(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    announce(run, Announcement(8))
    stage(run, 0, 2)
    Progress(run).update()
    assert capsys.readouterr().err == ""


def test_a_damaged_staged_file_counts_nothing_and_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.0)
    shown = Progress(run)
    announce(run, Announcement(4))
    shown.update()
    stage(run, 0, 2)
    stage(run, 1, 2)
    path = Path(staging.chunk_uri(run, 1).removeprefix("file://"))
    path.write_bytes(path.read_bytes()[:-10])
    shown.update()
    assert capsys.readouterr().err.startswith("scored 2 of 4 ")


def test_a_terminal_gets_a_bar(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    announce(run, Announcement(8))
    stage(run, 0, 2)
    shown = Progress(run)
    shown.update()
    stage(run, 1, 6)
    shown.update()
    shown.close()
    assert "scored: 100%" in capsys.readouterr().err


def test_the_bar_of_the_listing_is_followed_by_that_of_scoring(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown = Progress(run)
    announce(run, Announcement(5000, is_final=False))
    shown.update()
    stage(run, 0, 2)
    shown.update()
    announce(run, Announcement(8))
    stage(run, 1, 2)
    shown.update()
    shown.close()
    told = capsys.readouterr().err
    assert "listed: 5000image" in told and "scored:  50%" in told


def test_the_clock_stands_still_and_the_thread_ends_with_the_block(run: Run) -> None:
    with showing_progress(run) as shown:
        assert "progress" in {thread.name for thread in threading.enumerate()}
    assert "progress" not in {thread.name for thread in threading.enumerate()}
    assert shown.seconds == shown.seconds > 0
