"""Of what Beam makes for the workers of a job, nothing is left in the temporary folder."""

import tempfile
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import environments

from jobs.nightly.beam_files import removed_after_submission


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_files_for_the_workers_are_there_until_the_job_is_submitted(temporary: Path) -> None:
    make = environments.python_sdk_dependencies
    with removed_after_submission():
        environments.python_sdk_dependencies(PipelineOptions(["--runner=FlinkRunner"]))
        assert tempfile.gettempdir() == str(temporary)
        made = [path for path in temporary.rglob("*") if path.is_file()]
        assert "submission_environment_dependencies.txt" in {path.name for path in made}
    assert list(temporary.iterdir()) == []
    assert environments.python_sdk_dependencies is make


def test_nothing_is_left_if_the_submission_fails(temporary: Path) -> None:
    make = environments.python_sdk_dependencies
    with pytest.raises(ValueError, match="no"), removed_after_submission():
        environments.python_sdk_dependencies(PipelineOptions(["--runner=FlinkRunner"]))
        raise ValueError("no")
    assert list(temporary.iterdir()) == []
    assert environments.python_sdk_dependencies is make
