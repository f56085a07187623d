"""Runs every command of the README as written, except the one that runs the tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import s3fs

from melanoma import storage
from tests.helpers import ROOT, fill, photograph

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Every command of this journey is run by .ci/journeys, in an environment that holds nothing but the installed package.
JOURNEY = (ROOT / ".ci" / "journeys.d" / "newcomer").read_text(encoding="utf-8").splitlines()
COPIED = ["Makefile", "README.md", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "bundles"]


def shell_commands() -> list[str]:
    """Returns the lines of all sh blocks without comments, and the commands within a sentence."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    lines = [line.split("  #")[0].split("   #")[0].strip() for line in blocks.splitlines()]
    inline = [re.sub(r"\s+", " ", words) for words in re.findall(r"`(melanoma [a-z]+ [^`]+)`", README)]
    return [line for line in lines if line] + inline


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the commands need, next to the environment that is already installed."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        # Older than the environment, so that nothing is ever installed into it from this copy.
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def run(command: str, checkout: Path) -> str:
    """Runs one line in a shell that finds the `melanoma` of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=checkout,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_the_readme_starts_with_two_commands() -> None:
    assert shell_commands()[:2] == ["make score", "make test"]


def test_the_commands_of_the_newcomer_are_those_of_the_readme() -> None:
    journey = [line for line in JOURNEY if line.startswith("melanoma ")][:6]
    assert [line for line in shell_commands() if line in journey] == journey


@pytest.fixture(scope="module")
def first_score(checkout: Path) -> str:
    """What the first `make score` prints; the table is there afterwards."""
    return run("make score", checkout)


def test_make_score_draws_samples_scores_them_and_queries_the_table(first_score: str) -> None:
    assert "200 listed = 195 scored + 5 failed + 0 skipped" in first_score
    assert "mean_probability" in first_score and "not a diagnosis" in first_score
    assert "installing" not in first_score


@pytest.mark.usefixtures("first_score")
def test_a_second_make_score_scores_nothing_twice(checkout: Path) -> None:
    assert "200 listed = 0 scored + 0 failed + 200 skipped" in run("make score", checkout)


@pytest.mark.usefixtures("first_score")
def test_photographs_of_ones_own_go_to_another_table_and_paths_may_have_any_characters(checkout: Path) -> None:
    folder = checkout / 'it\'s my "folder"'
    shutil.copytree(next((checkout / "out" / "samples").iterdir()), folder)
    for place in range(12):  # more than the failure budget allows
        (folder / f"empty-{place}.jpg").touch()
    environment = {"IMAGES": str(folder), "COLUMNS": "300"}
    ended = subprocess.run(
        ["make", "score"], cwd=checkout, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2 and "== scoring" in ended.stdout  # make's own code for a recipe that failed
    said = ended.stdout.partition("== the run is done and its table complete, but somebody has to look at it")[2]
    assert ".venv/bin/melanoma query 'out/my-scores' \"SELECT error_kind" in said and "empty" in said
    assert (checkout / "out" / "my-scores" / "_delta_log").is_dir()
    assert "out/scores" not in ended.stdout


@pytest.mark.usefixtures("first_score")
def test_the_python_of_the_readme_reads_the_table(checkout: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    program += "print(len(frame), lazy.collect().height, sum(count for _, count in answer.fetchall()))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["200", "200", "200"], ended.stderr


@pytest.mark.usefixtures("first_score")
def test_every_other_command_works_as_written(checkout: Path, s3_endpoint: str, tmp_path: Path) -> None:
    store = s3fs.S3FileSystem(skip_instance_cache=True)
    for bucket in ("archive", "results"):
        store.mkdir(bucket)
    storage.write_bytes("s3://archive/dermoscopy/a.jpg", photograph(1))
    fill(tmp_path / "archive" / "dermoscopy", 3)
    done = 0
    for command in shell_commands():
        if command in ("make score", "make test", *JOURNEY):
            continue
        local = command.replace("=/archive/", f"={tmp_path}/archive/").replace("=/results/", f"={tmp_path}/results/")
        run(local.replace("'/archive/", f"'{tmp_path}/archive/"), checkout)
        done += 1
    assert done >= 3
