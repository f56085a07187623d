"""A night's settings in a file: the flags' names and checks, and the command line wins."""

from pathlib import Path

import pytest

from jobs.cli import main
from tests.helpers import fill
from tests.helpers.nights import rows


@pytest.fixture
def words(tmp_path: Path, bundle_uri: str) -> list[str]:
    fill(tmp_path / "in", 3)
    (tmp_path / "night.toml").write_text(
        f'images = ["{tmp_path / "in"}"]\nbundle = "{bundle_uri}"\noutput = "{tmp_path / "out"}"\n'
        "run-date = 2026-02-03\nmax-failed = 0.5\nstop-at = 05:30:00\nallow-empty = true\nrescore = false\n"
        'beam-options = ["--direct_running_mode=in_memory"]\n'
    )
    return ["score", "--config", str(tmp_path / "night.toml")]


def test_a_file_gives_the_flags(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    assert {str(row["run_date"]) for row in rows(tmp_path / "out")} == {"2026-02-03"}


def test_the_check_up_takes_the_file_of_the_night(words: list[str], tmp_path: Path) -> None:
    assert main(["doctor", *words[1:]]) == 0
    with (tmp_path / "night.toml").open("a") as file:
        file.write("imagse = 3\n")
    assert main(["doctor", *words[1:]]) == 2


def test_the_command_line_wins_over_the_file(tmp_path: Path, words: list[str]) -> None:
    fill(tmp_path / "other", 1)
    assert main([*words, f"--images={tmp_path / 'other'}", "--run-date", "2026-04-05"]) == 0
    assert [str(row["run_date"]) for row in rows(tmp_path / "out")] == ["2026-04-05"]


def test_a_dry_run_prints_the_settings_that_result(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--limit", "2", "--max-time", "1h30m", "--dry-run"]) == 0
    said = capsys.readouterr().out
    for line in ("limit = 2", 'max-time = "5400s"', "stop-at = 05:30:00", "max-failed = 0.5", "allow-empty = true"):
        assert f"\n  {line}\n" in said
    assert 'beam-options = ["--direct_running_mode=in_memory"]' in said and "rescore" not in said
    assert "Would score 2 of 3" in said


def test_the_settings_that_a_dry_run_prints_make_a_file(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--max-time", "2h", "--dry-run"]) == 0
    said = capsys.readouterr().out
    lines = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    (tmp_path / "printed.toml").write_text("\n".join(lines))
    assert main(["score", f"--config={tmp_path / 'printed.toml'}", "--dry-run"]) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ouput = 'x'", "no flag is called 'ouput'; did you mean 'output'"),
        ("limit = 'many'", "no whole number"),
        ("limit = [1, 2]", "limit takes one value, not a list"),
        ("limit = true", "limit is True; write a text, a number or a date"),
        ("rescore = 'yes'", "rescore is 'yes'; write true or false"),
        ("images = []", "images takes at least one value"),
        ("[images]\nroot = 'x'", "images is {'root': 'x'}"),
        ("beam-options = '--runner=x'", "beam-options must be a list"),
        ("limit = ", "is no TOML"),
        ("config = 'other.toml'", "no flag is called 'config'"),
        ("stop-at = '25:00'", "no time of the day"),
        ("max-time = '3 days'", "no length of time"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(
    tmp_path: Path, words: list[str], text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "night.toml").write_text(text)
    assert main(words) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--config", "/absent/night.toml"]) == 2
    assert "--config /absent/night.toml: cannot be read" in capsys.readouterr().err
