"""What is kept of DICOM files in the score table: what was asked for, and in a resumed run, too."""

import datetime
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import kept_schema
from melanoma.model.bundle import load_bundle
from melanoma.runs.commit import end_run
from melanoma.runs.run import Run, new_run
from tests.helpers import photograph
from tests.helpers.dicom_files import dicom, drawn
from tests.helpers.faults import stage
from tests.helpers.outputs import layout_of
from tests.helpers.pipeline_runs import rows

pytest.importorskip("pydicom", reason="the extra dicom is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photograph in DICOM, one that is damaged, and a JPEG."""
    place = tmp_path / "in"
    place.mkdir()
    said = {"maker": "FotoFinder Systems", "model": "medicam", "part": "BACK", "side": "L"}
    whole = dicom(drawn().tobytes(), **said)
    (place / "a.dcm").write_bytes(whole)
    (place / "b.dcm").write_bytes(whole[:-100])
    (place / "c.jpg").write_bytes(photograph(1))
    return place


def test_only_what_was_asked_for_gets_into_the_table(tmp_path: Path, folder: Path, bundle_uri: str) -> None:
    where = ["--images", str(folder), "--bundle", bundle_uri, "--output", str(tmp_path / "out"), "--quiet"]
    assert main(["score", *where, "--keep", "dicom_model", "dicom_body_part"]) == 0
    found = {row["image_id"]: row for row in rows(tmp_path / "out")}
    kept = {name: (row["dicom_model"], row["dicom_body_part"]) for name, row in found.items()}
    assert kept == {"a": ("medicam", "BACK"), "b": (None, None), "c": (None, None)}
    assert not found["a"].keys() & {"dicom_manufacturer", "dicom_laterality", "dicom_lossy"}
    assert not any("DOE" in str(value) or value == "L" for row in found.values() for value in row.values())


def test_a_resumed_run_keeps_it(tmp_path: Path, folder: Path, bundle_uri: str) -> None:
    source = Root(str(folder), keep=("dicom_model",))

    def planned() -> Run:
        kept = kept_schema([source, source])
        return new_run(layout_of(tmp_path / "out"), load_bundle(bundle_uri), kept, None, datetime.date(2026, 1, 2))

    stage(planned(), source, bundle_uri)
    run = planned()
    record = end_run(run, *stage(run, source, bundle_uri))
    assert record.adopted == 3
    assert {row["image_id"]: row["dicom_model"] for row in rows(tmp_path / "out")} == {
        "a": "medicam",
        "b": None,
        "c": None,
    }


@pytest.mark.parametrize("words", [["--keep", "PatientName"], ["--keep", "dicom_model", "dicom_model"]])
def test_anything_else_is_refused_with_the_list(
    tmp_path: Path, folder: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    where = ["--images", str(folder), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *where, *words]) == 2
    assert "can be kept, each once: dicom_body_part, dicom_laterality" in capsys.readouterr().err


def test_a_manifest_has_no_column_of_such_a_name(
    tmp_path: Path, folder: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.csv").write_text(f"uri,dicom_model\n{folder}/a.dcm,x\n")
    where = ["--manifest", str(tmp_path / "m.csv"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *where, "--keep", "dicom_model"]) == 2
    assert "rename the manifest's column" in capsys.readouterr().err
