"""The command line of a run as frozen data."""

import argparse
import dataclasses
import datetime

import pytest

from jobs.cli import parse
from jobs.nightly.options import NightlyOptions, ScoringOptions

WORDS = ("score", "--bundle", "b", "--output", "o")


def options(*words: str) -> NightlyOptions:
    invocation = parse([*WORDS, *words])
    return NightlyOptions.from_command_line(invocation.args, invocation.beam_options)


def test_a_command_line_becomes_options() -> None:
    found = options(
        *("--images", "x", "--images", "y", "--stop-at", "05:30", "--max-failed", "0.1", "--show-uris"),
        *("--", "--runner=FlinkRunner", "--parallelism=4"),
    )
    assert (found.images, found.bundle, found.output) == (("x", "y"), ("b",), "o")
    assert (found.stop_at, found.max_failed, found.show_uris) == (datetime.time(5, 30), 0.1, True)
    assert found.beam_options == ("--runner=FlinkRunner", "--parallelism=4")


def test_flags_that_are_absent_are_empty() -> None:
    found = options()
    assert found.images == found.keep == found.beam_options == ()
    assert found.manifest is found.limit is found.metrics_file is None
    assert not (found.rescore or found.dry_run or found.allow_empty)


def test_the_shared_part_reads_the_same_flags() -> None:
    args = parse(["doctor", *WORDS[1:], "--images", "x", "--batch-size", "5"]).args
    shared = ScoringOptions.from_args(args)
    assert (shared.images, shared.batch_size, shared.uri_base) == (("x",), 5, None)


def test_options_do_not_change() -> None:
    args = argparse.Namespace(**vars(parse([*WORDS, "--images", "x"]).args))
    found = NightlyOptions.from_command_line(args)
    args.images.append("y")
    assert found.images == ("x",) and found.beam_options == () and not hasattr(args, "beam_options")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.limit = 3  # type: ignore[misc]
