"""`melanoma score`: the nightly job."""

import argparse
import datetime
import sys

from jobs import progress, summary
from jobs.exits import COMMITTED, NOTHING_COMMITTED, OVER_BUDGET
from jobs.values import whole
from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError

_FEW_FAILURES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags; what follows `--` are Beam's own."""
    sources = parser.add_argument_group("photographs (one of the two)")
    sources.add_argument(
        "--images", action="append", metavar="URI", help="folder, file or glob in any store; repeatable"
    )
    sources.add_argument(
        "--pattern", metavar="GLOB", help="names that count as photographs (default: image extensions)"
    )
    sources.add_argument("--manifest", metavar="FILE", help="CSV or Parquet with a column uri, and maybe image_id")
    sources.add_argument(
        "--keep", nargs="+", default=[], metavar="COL", help="manifest columns to carry into the table"
    )
    parser.add_argument("--bundle", required=True, metavar="URI", help="folder of the model bundle")
    parser.add_argument("--output", required=True, metavar="URI", help="folder of the score table; made if missing")
    parser.add_argument("--run-date", type=_date, metavar="YYYY-MM-DD", help="instead of today")
    parser.add_argument("--batch-size", type=whole, default=32, metavar="N", help="of the network (default: 32)")
    parser.add_argument("--chunk-size", type=whole, metavar="N", help="photographs staged together (default: auto)")
    parser.add_argument("--limit", type=whole, metavar="N", help="score at most N photographs")
    parser.add_argument(
        "--max-failed", type=_share, default=0.05, metavar="SHARE", help="failed share that is fine (default: 0.05)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be scored, write nothing")
    parser.add_argument("--allow-empty", action="store_true", help="a root that lists nothing is fine")
    parser.epilog = f"Beam's own options follow --, for example: -- --runner=FlinkRunner. {parser.epilog}"


def run(args: argparse.Namespace) -> int:
    """Scores what is new and returns the exit code."""
    from jobs import night  # pyarrow and Delta Lake: not needed to print the help

    try:
        plan = night.prepare(args)
        for warning in plan.warnings:
            print(f"melanoma: warning: {warning}", file=sys.stderr)
        if args.dry_run:
            print(summary.dry_run(night.rehearse(plan)))
            return COMMITTED
        print(f"Run {plan.run.run_id}: model {plan.run.model_id}, table {plan.run.output}", flush=True)
        with progress.watching(plan.run) as watch:
            record = night.score(plan, args)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            raise UsageError(f"a root vanished while it was listed: {error.detail}") from None
        raise NothingCommittedError(f"listing stopped: {error.detail}; nothing was committed") from None
    print(summary.night(plan, record, watch.seconds))
    return exit_code(record.outcome, record.counts.scored, record.counts.failed, args.max_failed)


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
    return OVER_BUDGET if over else COMMITTED


def _date(word: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no date; write YYYY-MM-DD") from None


def _share(word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no share from 0 to 1")
    return share


if __name__ == "__main__":
    from jobs.cli import main

    sys.exit(main(["score", *sys.argv[1:]]))
