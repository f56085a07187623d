"""What only a runner knows to be wrong with its options is the user's mistake, too."""

from pathlib import Path

import pytest

from jobs.cli import main
from tests.helpers import fill


def test_options_that_a_runner_misses_are_named(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 1)
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *words, "--", "--runner=tests.helpers.picky_runner.DataflowRunner"]) == 2
    assert "options for Beam: Pipeline has validations errors" in capsys.readouterr().err
