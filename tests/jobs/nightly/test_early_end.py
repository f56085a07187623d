"""A start that is refused is recorded where there are records, and nowhere else."""

from pathlib import Path

from jobs.nightly import early_end
from jobs.nightly.destination import Destination
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.runs import heartbeats
from melanoma.runs.records import KILLED, Counts, RunRecord, write_record
from melanoma.runs.run_history import read_series
from tests.helpers.outputs import layout_of


def outcomes(output: Path) -> list[tuple[str, str]]:
    return [(run["outcome"], run["verdict"].get("level", "")) for run in read_series(layout_of(output))]


def test_a_mistyped_output_is_not_created(tmp_path: Path) -> None:
    early_end.tell_refusal(UsageError("x"), Destination(output=str(tmp_path / "out")))
    early_end.tell_refusal(UsageError("x"), Destination(output="nosuch://bucket/out"))
    early_end.tell_refusal(UsageError("x"), Destination())
    assert list(tmp_path.iterdir()) == []


def test_a_refused_start_has_a_record_a_page_and_a_row(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RunRecord("20260102T030405Z-00000000", "2026-01-02", "", KILLED, Counts()))
    early_end.tell_refusal(UsageError("/x: no photograph there; check the path"), Destination(output=str(tmp_path)))
    early_end.tell_refusal(NothingCommittedError("the store is down"), Destination(output=str(tmp_path)))
    assert outcomes(tmp_path) == [("killed", ""), ("refused", "bad"), ("stopped", "bad")]
    pages = sorted((tmp_path / "_reports").glob("2*.html"))
    assert "was refused and committed nothing: /x: no photograph there; check the path" in pages[1].read_text()
    assert "the store is down" in (tmp_path / "_reports" / "index.html").read_text()


def test_the_pages_of_another_run_that_is_active_are_left_to_it(tmp_path: Path) -> None:
    run_id = "20260102T030405Z-00000000"
    write_record(layout_of(tmp_path), RunRecord(run_id, "2026-01-02", "", KILLED, Counts()))
    with heartbeats.beating(layout_of(tmp_path), run_id):
        early_end.tell_refusal(NothingCommittedError("active"), Destination(output=str(tmp_path)))
    assert outcomes(tmp_path) == [("killed", "")] and not (tmp_path / "_reports" / "index.html").exists()
