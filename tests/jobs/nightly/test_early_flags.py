"""Where a nightly run is told is known even if its command line or its settings are wrong."""

import datetime
from pathlib import Path

import pytest

from jobs.nightly import early_flags
from jobs.nightly.destination import Destination
from melanoma.shards import Shard


def test_flags_are_found_among_wrong_ones() -> None:
    words = ["--surprise", "--images", "x", "-o", "out", "--bundle", "a", "--max-failed", "7", "--bundle=b"]
    words += [
        "--shard",
        "2/4",
        "--notify-command",
        "n",
        "--metrics-file=m",
        "--run-date",
        "2026-01-02",
        "--log-format",
        "json",
        "-q",
    ]
    found = early_flags.read([*words, "--dry-run", "--", "--output", "of Beam"])
    assert found.destination == Destination("out", ("a", "b"), datetime.date(2026, 1, 2), "m", "n", Shard(2, 4))
    assert found.is_json and found.is_quiet and found.is_dry_run


@pytest.mark.parametrize(
    "fault", ["", 'max-tim = "5h"', "max-failed = = 7", "[section", 'images = ["unclosed', "\ufeff\x00"]
)
def test_settings_are_found_beside_wrong_lines_and_typed_flags_win(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "night.toml"
    lines = ['output = "out"', 'bundle = ["a"]', 'notify-command = "n"', "quiet = true", "run-date = 2026-01-02", fault]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = early_flags.read(["--config", str(path), "--metrics-file", "m", "--output", "typed"])
    assert found.destination == Destination("typed", ("a",), datetime.date(2026, 1, 2), "m", "n") and found.is_quiet


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--config"],
        ["--config", "/absent"],
        ["--output"],
        ["--run-date", "soon"],
        ["--shard", "5/4"],
        ["--config", "\0"],
    ],
)
def test_what_cannot_be_read_is_left_out(words: list[str]) -> None:
    assert early_flags.read(words).destination == Destination()


def test_values_of_wrong_types_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "night.toml"
    path.write_text('output = 3\nbundle = "a"\nnotify-command = ["n"]\nquiet = "yes"\nlog-format = 1\n')
    found = early_flags.read(["--config", str(path)])
    assert found == early_flags.EarlyFlags(Destination(bundle=("a",)))
