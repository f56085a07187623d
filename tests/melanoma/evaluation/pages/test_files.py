"""A report is written as two files."""

import json
from pathlib import Path

import pytest

from melanoma.errors import NothingCommittedError
from melanoma.evaluation.pages.files import write_report


def test_a_report_is_json_and_html_in_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    report = {"value": 0.125, "name": "Müller", "none": None}
    assert write_report(str(folder), "evaluation", report, "<p>ü</p>") == f"file://{folder}/evaluation.html"
    assert sorted(path.name for path in folder.iterdir()) == ["evaluation.html", "evaluation.json"]
    assert json.loads((folder / "evaluation.json").read_text(encoding="utf-8")) == report
    assert (folder / "evaluation.html").read_text(encoding="utf-8") == "<p>ü</p>"


def test_a_later_report_replaces_the_earlier_one(tmp_path: Path) -> None:
    write_report(str(tmp_path), "x", {"n": 1_000_000}, "a longer page")
    write_report(str(tmp_path), "x", {"n": 2}, "page")
    assert json.loads((tmp_path / "x.json").read_text()) == {"n": 2}
    assert (tmp_path / "x.html").read_text() == "page"


def test_a_report_that_json_cannot_express_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_report(str(tmp_path), "x", {"n": float("nan")}, "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here first")
    with pytest.raises(NothingCommittedError):
        write_report(str(tmp_path / "file"), "x", {}, "")
    assert (tmp_path / "file").read_text() == "here first"
