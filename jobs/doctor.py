"""`melanoma doctor`: checks whether a run would succeed, and forecasts how long it would take."""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from jobs.console import logs
from jobs.console.exit_codes import NOTHING_COMMITTED, OK, WRONG_USAGE
from jobs.nightly.flags import add_scoring_arguments
from jobs.nightly.options import ScoringOptions
from melanoma import storage
from melanoma.machine import share_threads
from melanoma.operations.checks import Check, Result
from melanoma.process_limits import check_limits
from melanoma.redaction import redacted
from melanoma.terminal import printable
from melanoma.wording import counted

if TYPE_CHECKING:
    from melanoma.operations.forecast import Forecast
    from melanoma.operations.preflight import Preflight


@dataclass(frozen=True)
class DoctorOptions(ScoringOptions):
    """Arguments of `melanoma doctor`.

    Attributes:
        try_notify: Whether to run the notification command.
        json: Whether to print JSON.
    """

    try_notify: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `melanoma score` shares, and `--json`."""
    add_scoring_arguments(parser)
    parser.add_argument(
        "--try-notify", action="store_true", help="run the notification command, with a line that says it is a test"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prints each check as soon as it is made, then the forecasts; returns the exit code."""
    check_limits()
    options = DoctorOptions.from_args(args)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    share_threads()
    storage.set_object_timeout(options.object_timeout.total_seconds())
    preflight, checks = _preflight(options), list[Check]()
    for check in preflight.checks():
        checks.append(check)
        if not options.json:
            print(_as_lines(check), flush=True)
    if options.json:
        document = {"checks": list(map(asdict, checks)), "forecasts": list(map(asdict, preflight.forecasts))}
        print(redacted(json.dumps(document, indent=1)))
    else:
        for forecast in preflight.forecasts:
            print(_as_text(forecast))
    return exit_code(checks)


def _preflight(options: DoctorOptions) -> "Preflight":
    from jobs.nightly.plan import sources_of  # pyarrow and Delta Lake are not needed to print the help
    from melanoma.operations.preflight import PlannedRun, Preflight

    return Preflight(
        PlannedRun(
            output=options.output,
            sources=lambda layout: sources_of(options, layout),
            bundles=options.bundle,
            batch_size=options.batch_size,
            engine=options.engine,
            metrics_file=options.metrics_file,
            notify_command=options.notify_command,
            tries_notification=options.try_notify,
            shard=options.shard,
            digests=options.expected_digests,
            signer=options.signer,
            silence=logs.native_silence,
        )
    )


def exit_code(checks: Sequence[Check]) -> int:
    """Returns 2 if a check failed, 3 if the only failures may go away by themselves, else 0."""
    results = {check.result for check in checks}
    if Result.FAIL in results:
        return WRONG_USAGE
    return NOTHING_COMMITTED if Result.STORE in results else OK


def _as_lines(check: Check) -> str:
    lines = [printable(redacted(f"{check.result.upper():<6}{check.name:<14}{check.found}"))]
    if check.remedy and check.result is not Result.PASS:
        lines.append(printable(f"{'':<20}remedy: {check.remedy}"))
    return "\n".join(lines)


def _as_text(forecast: "Forecast") -> str:
    hours, rest = divmod(round(forecast.seconds), 3600)
    duration = f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
    return (
        f"Forecast for {counted(forecast.photographs, 'photograph')}, none of them scored yet: {duration} at "
        f"{forecast.rate:,.0f} per second, limited by {forecast.waits_for};\n"
        f"  output about {forecast.output_bytes / 1e6:,.1f} MB, memory about {forecast.memory_bytes / 1e9:,.1f} GB. "
        "This is an estimate, not a promise."
    )
