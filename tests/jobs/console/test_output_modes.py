"""Who may read what a run leaves on a local disk, whatever the umask was."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.console import output_modes
from tests.helpers import fill

PRIVATE_FOLDERS = ("_private", "_staging")


@pytest.fixture(params=[0o000, 0o022], ids=lambda mask: f"{mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Sets the umask of the process for one test."""
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def modes(output: Path) -> dict[str, int]:
    """Returns the mode of the folder and of everything in it, by its name."""
    return {str(path.relative_to(output)): stat.S_IMODE(path.stat().st_mode) for path in (output, *output.rglob("*"))}


def score(home: Path, bundle_uri: str, *words: str) -> Path:
    fill(home / "in", 2)
    assert main(["score", "--images", str(home / "in"), "--bundle", bundle_uri, "-o", str(home / "out"), *words]) == 0
    return home / "out"


def test_every_file_of_a_run_has_its_mode(tmp_path: Path, bundle_uri: str, umask: int) -> None:
    files, folders = {"private": (0o600, 0o700), "group": (0o640, 0o750)}["group" if umask else "private"]
    words = [] if umask else ["--output-mode", "private"]
    found = modes(score(tmp_path, bundle_uri, *words))
    assert any("_delta_log/" in name for name in found) and any(name.endswith(".parquet") for name in found)
    for name, mode in found.items():
        is_folder = (tmp_path / "out" / name).is_dir()
        if name.startswith(PRIVATE_FOLDERS):
            assert mode == (0o700 if is_folder else 0o600), name
        else:
            assert mode == (folders if is_folder else files), name
    assert os.umask(umask) == umask, "the process has its own umask again"


def test_an_existing_output_keeps_working_and_is_protected(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os.umask(0o022)
    try:
        output = score(tmp_path, bundle_uri, "--output-mode", "umask")
        assert modes(output)["_delta_log"] == 0o755 and modes(output)["_reports/index.html"] == 0o644
        assert modes(output)["_private"] == modes(output)["_staging"] == 0o700
        for name in PRIVATE_FOLDERS:  # as an earlier version left them
            (output / name).chmod(0o755)
        fill(tmp_path / "in", 3)
        assert main(["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "-o", str(output)]) == 0
        assert modes(output)["_private"] == modes(output)["_staging"] == 0o700
        assert modes(output)["_delta_log"] == 0o755, "an existing folder is left to its owner"
        assert main(["table", "compact", str(output)]) == 0
        assert {modes(output)[f"_delta_log/{version:020}.json"] for version in (1, 2, 3)} == {0o644, 0o640}
        assert modes(output)[f"_delta_log/{3:020}.json"] == 0o644, "maintenance does as the table is"
    finally:
        os.umask(before)


def test_metrics_and_the_notified_command_keep_the_umask_of_the_start(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's program reads the metrics."""
    monkeypatch.setattr(output_modes, "_at_start", 0o022)
    script = tmp_path / "notify"
    script.write_text(f"#!/bin/sh\numask > {tmp_path}/told\n")
    script.chmod(0o755)
    score(tmp_path, bundle_uri, "--metrics-file", str(tmp_path / "run.prom"), "--notify-command", str(script))
    assert stat.S_IMODE((tmp_path / "run.prom").stat().st_mode) == 0o644
    assert (tmp_path / "told").read_text().strip() == "0022"
    assert stat.S_IMODE((tmp_path / "out" / "_reports" / "index.html").stat().st_mode) == 0o640


@pytest.mark.parametrize(("mode", "expected"), [("private", 0o600), ("group", 0o640), ("umask", 0o644)])
def test_a_mode_holds_for_a_block(tmp_path: Path, mode: str, expected: int) -> None:
    before = os.umask(0o022)
    try:
        with output_modes.writing(mode):
            (tmp_path / "file").write_text("")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == expected
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_folder_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for folder in (None, str(tmp_path / "nothing")):
            with output_modes.like(folder):
                assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
