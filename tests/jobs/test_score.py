"""`melanoma score` as an operator starts it: flags, exit codes and messages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cli import main
from tests.helpers import ROOT, fill, photograph
from tests.helpers.odd_names import NAMES
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import rows


def score(*words: str | Path) -> int:
    return main(["score", *map(str, words)])


def test_a_run_prints_its_counts_the_table_the_licence_and_the_disclaimer(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 3)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"")
    for name in ("notes.txt", "README.txt"):  # the README of the samples is expected, and so not worth a word
        (tmp_path / "in" / name).write_text("x")
    words = ["--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out"]
    assert score(*words, "--run-date", "2026-02-03") == 0
    said = capsys.readouterr().out
    assert "4 listed = 3 scored + 1 failed + 0 skipped + 0 duplicates + 0 deferred" in said
    assert "empty 1" in said and ".txt 1" in said
    assert f"file://{tmp_path / 'out'}, version 1" in said
    assert "Public domain" in said and "not a diagnosis" in said
    assert {str(row["run_date"]) for row in rows(tmp_path / "out")} == {"2026-02-03"}
    assert score(*words) == 0
    assert "nothing new" in capsys.readouterr().out


def test_a_dry_run_prints_what_it_would_do_and_writes_nothing(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 3)
    assert score("--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out", "--dry-run") == 0
    assert "Would score 3 of 3" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--images", "{in}/absent"], "check --images"),
        (["--images", "{tmp}/bare"], "no photograph there"),
        ([], "--images URI"),
        (["--images", "{in}", "--manifest", "x.csv"], "either --images"),
        (["--images", "{in}", "--keep", "age"], "--keep age: a folder has no columns"),
        (["--manifest", "{tmp}/absent.csv"], "--manifest"),
        (["--manifest", "{tmp}/manifest.csv", "--keep", "age"], "no column age"),
        (["--manifest", "{tmp}/strange.csv"], "store that can be used"),
        (["--manifest", "{tmp}/manifest.csv", "--keep", "status"], "has a column of that name"),
        (["--images", "{in}", "--bundle", "{in}"], "no bundle.json there; check the path"),
        (["--images", "{in}", "--output", "memory://x"], "memory://"),
        (["--images", "{in}", "--output", "{in}/lesion-0000.jpg"], "choose another path"),
        (["--images", "nostore://x"], "store that can be used"),
        (["--images", "{in}", "--", "--no_such_option=1"], "Beam has no option"),
        (["--images", "{in}", "--", "--setup_file=setup.py"], "must be absolute"),
        (["--images", "{in}", "--surprise"], "unrecognized arguments: --surprise"),
        (["--images", "{in}", "--max-failed", "5"], "must be between 0 and 1"),
        (["--images", "{in}", "--batch-size", "0"], "is not a whole number"),
        (["--images", "{in}", "--run-date", "yesterday"], "is not a date"),
    ],
)
def test_a_mistake_ends_with_code_2_and_one_line_that_says_what_to_do(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    fill(tmp_path / "in", 1)
    (tmp_path / "bare").mkdir()
    (tmp_path / "manifest.csv").write_text(f"uri,status\n{tmp_path}/in/lesion-0000.jpg,1\n")
    (tmp_path / "strange.csv").write_text("uri\nx.jpg\nnostore://x.jpg\n")
    given = [word.replace("{in}", str(tmp_path / "in")).replace("{tmp}", str(tmp_path)) for word in words]
    defaults = [] if "--bundle" in words else ["--bundle", bundle_uri]
    defaults += [] if "--output" in words else ["--output", str(tmp_path / "out")]
    place = given.index("--") if "--" in given else len(given)
    try:
        code = score(*given[:place], *defaults, *given[place:])
    except SystemExit as exit_:
        code = int(str(exit_.code))
    said = capsys.readouterr().err.strip()
    assert code == 2
    assert complaint in said
    assert "Traceback" not in said and len([line for line in said.split("\n") if line.startswith("melanoma: ")]) == 1
    assert table_in(tmp_path / "out").version is None


def test_a_folder_that_has_become_empty_is_a_warning_if_the_table_knows_it(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = fill(tmp_path / "in", 1)
    words = ["--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out"]
    assert score(*words) == 0
    path.unlink()
    assert score(*words) == 0
    assert "no photograph there any more" in capsys.readouterr().err
    (tmp_path / "bare").mkdir()
    assert score("--images", tmp_path / "bare", *words[2:], "--allow-empty") == 0


def test_a_run_over_its_failure_budget_commits_and_ends_with_code_1(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    for index in range(10):
        (tmp_path / "in" / f"broken-{index}.jpg").write_bytes(b"")
    assert score("--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out") == 1
    assert len(rows(tmp_path / "out")) == 12


def test_a_manifest_provides_ids_and_columns(tmp_path: Path, bundle_uri: str) -> None:
    paths = fill(tmp_path / "in", 3)
    lines = [f'"{paths[0]}",007,left arm', f'"file://{paths[1]}",,"back, ""upper"""', f'"{tmp_path}/absent.jpg",x,']
    (tmp_path / "manifest.csv").write_text("\n".join(["uri,image_id,site", *lines]) + "\n")
    words = ["--manifest", tmp_path / "manifest.csv", "--keep", "site", "--bundle", bundle_uri]
    assert score(*words, "--output", tmp_path / "out") == 0
    found = {row["image_id"]: (row["status"], row["site"]) for row in rows(tmp_path / "out")}
    assert found == {
        "007": ("scored", "left arm"),
        "lesion-0001": ("scored", 'back, "upper"'),
        "x": ("failed", None),
    }


def test_the_direct_runner_is_accepted(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    words = ["--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out"]
    assert score(*words, "--", "--runner=DirectRunner") == 0
    assert len(rows(tmp_path / "out")) == 2


def test_the_module_can_be_started_as_a_program() -> None:
    words = [sys.executable, "-m", "jobs.score", "--bundle", "b", "--output", "o", "--surprise"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "melanoma: unrecognized arguments: --surprise; see melanoma score --help\n"


def test_names_of_every_kind_are_kept_byte_for_byte(tmp_path: Path, bundle_uri: str) -> None:
    for index, name in enumerate(NAMES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photograph(index))
    (tmp_path / "in" / os.fsdecode(b"bad\xff.jpg")).write_bytes(photograph(0))
    assert score("--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out") == 0
    found = {row["image_uri"].removeprefix(f"file://{tmp_path}/in/"): row["status"] for row in rows(tmp_path / "out")}
    assert found == {**dict.fromkeys(NAMES, "scored"), "bad\\xff.jpg": "failed"}
    assert {row["error_kind"] for row in rows(tmp_path / "out")} == {None, "bad_name"}
    assert score("--images", tmp_path / "in", "--bundle", bundle_uri, "--output", tmp_path / "out") == 0
    assert table_in(tmp_path / "out").version == 1
