"""The flags of a nightly run: types, defaults, and the part that `melanoma doctor` shares."""

import argparse
import datetime
import re
from dataclasses import fields

import pytest

from jobs.nightly.flags import add_nightly_arguments, add_scoring_arguments
from jobs.nightly.options import NightlyOptions, ScoringOptions
from melanoma.runs.task_waves import DEFAULT_WAVE_SIZE

REQUIRED = ("--bundle", "b", "--output", "o")


def parser(*adders: object) -> argparse.ArgumentParser:
    built = argparse.ArgumentParser(allow_abbrev=False)
    for add in adders or (add_scoring_arguments, add_nightly_arguments):
        add(built)  # type: ignore[operator]
    return built


def destinations(built: argparse.ArgumentParser) -> set[str]:
    return {action.dest for action in built._actions} - {"help", "config"}


def test_each_flag_has_its_field_and_each_field_its_flag() -> None:
    assert destinations(parser(add_scoring_arguments)) == {field.name for field in fields(ScoringOptions)}
    assert destinations(parser()) == {field.name for field in fields(NightlyOptions)} - {"beam_options"}


def test_values_are_parsed_to_their_types() -> None:
    args = parser().parse_args(
        [
            *(*REQUIRED, "--bundle", "c", "--images", "x", "--images", "y", "--keep", "age", "site"),
            *("--since", "2026-01-02", "--run-date", "2026-03-04", "--stop-at", "05:30", "--max-time", "1h30m"),
            *("--limit", "7", "--chunk-size", "8", "--batch-size", "9", "--max-failed", "0.5"),
        ]
    )
    assert (args.bundle, args.images, args.keep) == (["b", "c"], ["x", "y"], ["age", "site"])
    assert (args.since, args.run_date) == (datetime.date(2026, 1, 2), datetime.date(2026, 3, 4))
    assert (args.stop_at, args.max_time) == (datetime.time(5, 30), datetime.timedelta(minutes=90))
    assert (args.limit, args.chunk_size, args.batch_size, args.max_failed) == (7, 8, 9, 0.5)


def test_defaults() -> None:
    args = vars(parser().parse_args(REQUIRED))
    assert (args.pop("bundle"), args.pop("output")) == (["b"], "o")
    assert {name: value for name, value in args.items() if value not in (None, False)} == {
        "images": [],
        "keep": [],
        "batch_size": 32,
        "wave_size": DEFAULT_WAVE_SIZE,
        "engine": "auto",
        "object_timeout": datetime.timedelta(minutes=1),
        "max_failed": 0.05,
        "max_drift": 0.2,
        "max_bundle_drift": 2.0,
        "bundle_digest": [],
        "output_mode": "group",
        "log_format": "text",
    }


def test_two_parsings_share_no_list() -> None:
    shared = parser()
    assert shared.parse_args([*REQUIRED, "--images", "x"]).images == ["x"]
    assert shared.parse_args([*REQUIRED, "--images", "y"]).images == ["y"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--limit", "0"], "--limit: '0' is not a whole number of at least 1"),
        (["--chunk-size", "-1"], "--chunk-size"),
        (["--max-failed", "5%"], "'5%' must be between 0 and 1, for example 0.05"),
        (["--max-drift", "0"], "'0' is not a number above 0, for example 0.2"),
        (["--max-bundle-drift", "inf"], "'inf' is not a number above 0"),
        (["--stop-at", "noon"], "write HH:MM"),
        (["--max-time", "3"], "write for example 3h30m, 90m or 45s"),
        (["--since", "2026-02-30"], "'2026-02-30' is not a date; write YYYY-MM-DD"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args([*REQUIRED, *words])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["--bundle", "--output"])
def test_bundle_and_output_must_be_given(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = [flag for flag in ("--bundle", "--output") if flag != missing]
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args([word for flag in given for word in (flag, "x")])
    assert re.search(rf"required: (-o/)?{missing}", capsys.readouterr().err)


def test_every_flag_has_a_help_that_prints() -> None:
    built = parser()
    text = " ".join(built.format_help().split())
    assert all(action.help and action.help.split(" (default")[0] in text for action in built._actions)
    assert "inference batch size (default: 32)" in text
    assert "failure rate above which the exit code is 1 (default: 0.05)" in text
