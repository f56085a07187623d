"""Settings from a file: the names and checks of the flags, and the command line wins."""

import argparse
import os
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.console.config_file import CommandLine, content_of, expand
from jobs.nightly import early_flags
from melanoma.errors import UsageError
from tests.helpers import fill
from tests.helpers.pipeline_runs import rows


def trial_parser() -> argparse.ArgumentParser:
    """A parser with a flag of every kind that a file may set."""
    parser = argparse.ArgumentParser()
    for name in ("--config", "--output", "--since"):
        parser.add_argument(name)
    parser.add_argument("--images", action="append")
    parser.add_argument("--keep", nargs="+")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--format", choices=("csv", "json"))
    parser.add_argument("--rescore", action="store_true")
    return parser


def expanded(tmp_path: Path, text: str, *words: str, beam_options: tuple[str, ...] = ()) -> CommandLine:
    """Expands `trial --config FILE WORDS` with a file of that text; another command has the flag --max-time."""
    (tmp_path / "trial.toml").write_text(text, encoding="utf-8")
    given = CommandLine(["trial", f"--config={tmp_path / 'trial.toml'}", *words], list(beam_options))
    return expand(given, trial_parser(), flags_of_others={"--max-time"})


def inserted(tmp_path: Path, text: str, *words: str) -> list[str]:
    """The words that a file adds."""
    found = expanded(tmp_path, text, *words).words
    assert found[0] == "trial" and found[len(found) - len(words) :] == list(words)
    return found[1 : len(found) - len(words) - 1]


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("output = 'x'", ["--output=x"]),
        ("limit = 3", ["--limit=3"]),
        ("since = 2026-02-03", ["--since=2026-02-03"]),
        ("since = '2026-02-03'", ["--since=2026-02-03"]),
        ("since = 05:30:00", ["--since=05:30:00"]),
        ("rescore = true", ["--rescore"]),
        ("rescore = false", []),
        ("images = 'a'", ["--images=a"]),
        ("images = ['b', 'a']", ["--images=b", "--images=a"]),
        ("keep = ['site', 'age']", ["--keep", "site", "age"]),
        ("keep = 'site'", ["--keep", "site"]),
        ("output = '--strange'", ["--output=--strange"]),
        ("output = 'Müller & Söhne'", ["--output=Müller & Söhne"]),
        ("max-time = '3h'", []),
        ("", []),
    ],
)
def test_a_setting_becomes_the_words_of_its_flag(tmp_path: Path, text: str, added: list[str]) -> None:
    assert inserted(tmp_path, text) == added


@pytest.mark.parametrize("words", [["--limit", "5"], ["--limit=5"]])
def test_a_flag_that_is_typed_replaces_its_setting(tmp_path: Path, words: list[str]) -> None:
    assert inserted(tmp_path, "limit = 3\noutput = 'x'", *words) == ["--output=x"]


def test_a_repeatable_flag_that_is_typed_replaces_the_whole_list(tmp_path: Path) -> None:
    assert inserted(tmp_path, "images = ['a', 'b']", "--images", "c") == []


def test_options_for_beam_come_from_the_file_unless_they_are_typed(tmp_path: Path) -> None:
    text = "beam-options = ['--runner=FlinkRunner', '--parallelism=4']"
    assert expanded(tmp_path, text).beam_options == ["--runner=FlinkRunner", "--parallelism=4"]
    assert expanded(tmp_path, text, beam_options=("--runner=x",)).beam_options == ["--runner=x"]


@pytest.mark.parametrize("words", [["trial"], ["trial", "--limit", "3"], ["trial", "--config"]])
def test_without_a_file_the_command_line_stays_as_it_is(words: list[str]) -> None:
    given = CommandLine(words, ["--runner=x"])
    assert expand(given, trial_parser()) == given


def test_the_file_may_be_named_in_a_separate_word(tmp_path: Path) -> None:
    (tmp_path / "trial.toml").write_text("limit = 3")
    given = CommandLine(["trial", "--config", str(tmp_path / "trial.toml")], [])
    assert expand(given, trial_parser()).words == ["trial", "--limit=3", *given.words[1:]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ouput = 'x'", "there is no flag 'ouput'; did you mean 'output'?"),
        ("beam-option = []", "did you mean 'beam-options'?"),
        ("xyz = 1", "there is no flag 'xyz'"),
        ("config = 'other.toml'", "there is no flag 'config'"),
        ("help = true", "there is no flag 'help'"),
        ("limit = [1, 2]", "limit takes one value, not a list"),
        ("limit = true", "limit is True; write a string, a number or a date"),
        ("limit = [true]", "limit takes one value, not a list"),
        ("images = []", "images takes at least one value"),
        ("images = [['a']]", "images is ['a']; write a string"),
        ("rescore = 'yes'", "rescore is 'yes'; write true or false"),
        ("rescore = 1", "rescore is 1; write true or false"),
        ("beam-options = '--runner=x'", 'beam-options must be a list of strings, for example ["--runner=FlinkRunner"]'),
        ("beam-options = [1]", "beam-options must be a list of strings"),
        ("[images]\nroot = 'x'", "images is {'root': 'x'}; write a string"),
        ("limit = ", "is not valid TOML"),
        ("limit = 'many'", "limit: invalid int value: 'many'"),
        ("limit = 1.5", "limit: invalid int value: '1.5'"),
        ("format = 'xml'", "format: invalid choice: 'xml'"),
    ],
)
def test_every_error_names_the_file_and_the_setting(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        expanded(tmp_path, text)
    message = str(refused.value)
    assert complaint in message and str(tmp_path / "trial.toml") in message


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trial.toml").write_bytes("output = 'Müller'".encode("latin-1"))
    given = CommandLine(["trial", f"--config={tmp_path / 'trial.toml'}"], [])
    with pytest.raises(UsageError, match="is not valid TOML"):
        expand(given, trial_parser())


@pytest.fixture
def words(tmp_path: Path, bundle_uri: str) -> list[str]:
    fill(tmp_path / "in", 3)
    (tmp_path / "night.toml").write_text(
        f'images = ["{tmp_path / "in"}"]\nbundle = "{bundle_uri}"\noutput = "{tmp_path / "out"}"\n'
        "run-date = 2026-02-03\nmax-failed = 0.5\nstop-at = 05:30:00\nallow-empty = true\nrescore = false\n"
        'beam-options = ["--direct_running_mode=in_memory"]\n'
    )
    return ["score", "--config", str(tmp_path / "night.toml")]


def test_flags_are_read_from_a_file(tmp_path: Path, words: list[str]) -> None:
    assert main(words) == 0
    assert {str(row["run_date"]) for row in rows(tmp_path / "out")} == {"2026-02-03"}


def test_doctor_reads_the_file_of_the_run(words: list[str], tmp_path: Path) -> None:
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
    printed = capsys.readouterr().out
    for line in ("limit = 2", 'max-time = "1h30m"', "stop-at = 05:30:00", "max-failed = 0.5", "allow-empty = true"):
        assert f"\n  {line}\n" in printed
    assert 'beam-options = ["--direct_running_mode=in_memory"]' in printed and "rescore" not in printed
    assert "Would score 2 of 3" in printed


def test_the_settings_that_a_dry_run_prints_make_a_file(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--max-time", "2h", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    lines = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    (tmp_path / "printed.toml").write_text("\n".join(lines))
    assert main(["score", f"--config={tmp_path / 'printed.toml'}", "--dry-run"]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ouput = 'x'", "there is no flag 'ouput'; did you mean 'output'"),
        ("limit = 'many'", "is not a whole number"),
        ("stop-at = '25:00'", "is not a time of day"),
        ("max-time = '3 days'", "is not a length of time"),
    ],
)
def test_an_invalid_setting_is_refused(
    tmp_path: Path, words: list[str], text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "night.toml").write_text(text)
    assert main(words) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--config", "/absent/night.toml"]) == 2
    assert "--config /absent/night.toml: cannot be read" in capsys.readouterr().err


def test_a_pipe_is_read_once_and_kept() -> None:
    """As in `--config <(sed ... night.toml)`: the file is looked at twice."""
    read, write = os.pipe()
    os.write(write, b"limit = 3")
    os.close(write)
    for _ in range(2):
        assert content_of(f"/dev/fd/{read}") == b"limit = 3"
    os.close(read)


def test_what_would_wait_for_ever_or_has_no_end_is_no_settings_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert content_of(str(tmp_path / "pipe")) == b""
    with pytest.raises(UsageError, match="/dev/zero: is not valid TOML: it is longer than 1,048,576 bytes"):
        expand(CommandLine(["trial", "--config", "/dev/zero"], []), trial_parser())
    early_flags.read(["--config", "/dev/zero"])
