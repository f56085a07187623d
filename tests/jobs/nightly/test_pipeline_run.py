"""What only a runner knows to be wrong with its options is the user's mistake, too."""

from pathlib import Path

import pytest

from jobs.cli import main
from tests.helpers import fill


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_options_that_a_cloud_misses_are_named(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    fill(tmp_path / "in", 1)
    words = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    assert main(["score", *words, *more, "--", "--runner=tests.helpers.picky_runner.DataflowRunner"]) == 2
    assert (
        "options for Beam: Missing required option: project; Missing required option: region" in capsys.readouterr().err
    )
