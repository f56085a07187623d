"""`melanoma score`: the nightly job."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from jobs.console import sigterm
from jobs.console.arg_types import clock, date, duration, share, whole
from jobs.console.exit_codes import NOTHING_COMMITTED, OK, OVER_BUDGET
from jobs.nightly import progress, publishing, summary
from jobs.nightly.flags import add_night
from jobs.nightly.options import NightlyOptions
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, ReadError, UsageError

if TYPE_CHECKING:
    from jobs.nightly.plan import RunPlan

_FEW_FAILURES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; what follows `--` are Beam's own."""
    add_night(parser)
    tries = parser.add_argument_group("what is scored again, and until when")
    tries.add_argument("--rescore", action="store_true", help="score what the table holds already, too")
    tries.add_argument("--retry-failed", action="store_true", help="try every failed photograph again now")
    tries.add_argument("--stop-at", type=clock, metavar="HH:MM", help="begin no new chunk after it, local time")
    tries.add_argument("--max-time", type=duration, metavar="TIME", help="the same after, say, 3h30m, 90m or 45s")
    tries.add_argument("--limit", type=whole, metavar="N", help="score at most N photographs")
    publishing.add_arguments(parser)
    parser.add_argument("--run-date", type=date, metavar="YYYY-MM-DD", help="instead of today")
    parser.add_argument("--chunk-size", type=whole, metavar="N", help="photographs staged together (default: auto)")
    parser.add_argument(
        "--max-failed", type=share, default=0.05, metavar="SHARE", help="failed share that is fine (default: 0.05)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be scored, write nothing")
    parser.add_argument("--allow-empty", action="store_true", help="a root that lists nothing is fine")
    parser.epilog = f"Beam's own options follow --, for example: -- --runner=FlinkRunner. {parser.epilog}"


def run(args: argparse.Namespace, beam_options: Sequence[str] = ()) -> int:
    """Scores what is new and returns the exit code."""
    options = NightlyOptions.from_args(args, beam_options=beam_options)
    publishing.check(options)
    try:
        with sigterm.terminable():
            return _run(options)
    except MelanomaError as error:
        _warn(publishing.tell_failure(error, options))
        raise


def _run(options: NightlyOptions) -> int:
    from jobs.nightly import launch  # pyarrow and Delta Lake: not needed to print the help
    from jobs.nightly.plan import prepare, rehearse

    began = time.monotonic()
    try:
        plan = prepare(options)
        if options.dry_run:
            _warn(plan.warnings)
            print(summary.settings(options))
            print(summary.dry_run(plan, rehearse(plan, options.limit)))
            return OK
        with launch.alone(plan):
            return _score(plan, options, began)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise UsageError(f"a root vanished while it was listed: {error.detail}") from None
        raise NothingCommittedError(f"listing stopped: {error.detail}; nothing was committed") from None


def _score(plan: "RunPlan", options: NightlyOptions, began: float) -> int:
    from jobs.nightly import launch

    _warn(plan.warnings)
    for run in plan.runs:
        _say(f"Run {run.run_id}: model {run.model_id}, table {run.layout.root}")
    try:
        with progress.watching(plan.runs[0]) as watch:
            records = launch.score(plan, options)
    except KeyboardInterrupt:
        launch.record_stop(plan, "it was stopped before it had begun to score")
        raise
    except MelanomaError:
        ended = publishing.with_time(launch.ended_early(plan), time.monotonic() - began, plan.warnings)
        _warn(publishing.leave_reports(plan.models, ended, [False] * len(ended), options)[0])
        raise
    sigterm.finish()
    codes = [
        exit_code(record.outcome, record.counts.scored, record.counts.failed, options.max_failed) for record in records
    ]
    for model, record in zip(plan.models, records, strict=True):
        _say(summary.night(model, record, watch.seconds))
    warnings = [*plan.warnings, *launch.tidy(records, plan.layout)]
    records = publishing.with_time(records, time.monotonic() - began, warnings)
    _warn(publishing.leave(plan.models, records, [code == OVER_BUDGET for code in codes], options))
    return max(codes)


def _say(text: str) -> None:
    """Tells whoever still listens: a night does not end because nobody reads what it says."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def _warn(warnings: Iterable[str]) -> None:
    with contextlib.suppress(OSError):
        for warning in warnings:
            print(f"melanoma: warning: {warning}", file=sys.stderr)


def exit_code(outcome: str, scored: int, failed: int, max_failed: float) -> int:
    """Judges an ended run.

    Args:
        outcome: Of the run's record.
        scored: Photographs with probabilities.
        failed: Photographs with an error.
        max_failed: Share of failed among the two that is fine, 0 to 1; fewer than ten are always fine.
    """
    if outcome == "store_down":
        return NOTHING_COMMITTED
    over = failed >= _FEW_FAILURES and failed > max_failed * (scored + failed)
    return OVER_BUDGET if over else OK


if __name__ == "__main__":
    from jobs.cli import start

    start(["score", *sys.argv[1:]])
