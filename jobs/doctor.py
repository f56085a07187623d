"""`melanoma doctor`: would a night run, and how long would it take?"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from jobs.console import logs
from jobs.console.exit_codes import NOTHING_COMMITTED, OK, WRONG_USAGE
from jobs.nightly.flags import add_night
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.operations.forecast import Forecast
    from melanoma.operations.preflight import Check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags: those of `melanoma score` that say what is scored by what, and where to."""
    add_night(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Checks one thing after the other, and says each as it comes."""
    from melanoma.operations.preflight import Result

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    checks, forecasts = list["Check"](), list["Forecast"]()
    for found in _checks(args):
        if hasattr(found, "result"):
            checks.append(found)
            if not args.json:
                _say(found)
        else:
            forecasts.append(found)
    if args.json:
        document = {"checks": [asdict(check) for check in checks], "forecasts": [asdict(one) for one in forecasts]}
        print(json.dumps(document, indent=1))
    else:
        for one in forecasts:
            print(_forecast(one))
    results = {check.result for check in checks}
    if Result.FAIL in results:
        return WRONG_USAGE
    return NOTHING_COMMITTED if Result.STORE in results else OK


def _checks(args: argparse.Namespace) -> Iterator[Any]:
    from jobs.nightly.options import ScoringOptions
    from jobs.nightly.plan import sources_of
    from melanoma.model.bundle import load_bundle
    from melanoma.operations import preflight
    from melanoma.operations.preflight import Check, Result, guarded
    from melanoma.table.layout import OutputLayout

    layout = OutputLayout.at(args.output)
    yield guarded("versions", "install by requirements.lock", preflight.check_versions)
    yield guarded("other nights", "", lambda: preflight.check_alone(layout))
    output = guarded("output", "choose another --output, or mend its rights", lambda: preflight.check_output(layout))
    yield output
    listed = None

    def listing() -> "Check":
        nonlocal listed
        listed = preflight.list_some(sources_of(ScoringOptions.from_args(args), layout))
        return preflight.check_listing(listed)

    yield guarded("listing", "check --images, and the credentials of its store", listing)
    needed = 0.0
    for uri in args.bundle:
        bundles: list[Any] = []

        def opening(uri: str = uri, bundles: list[Any] = bundles) -> "Check":
            bundles.append(load_bundle(uri))
            return Check("bundle", Result.PASS, f"{bundles[0].model_id}, digest {bundles[0].digest[:12]}…")

        yield guarded("bundle", "melanoma bundle inspect says more", opening)
        if not bundles:
            continue
        if output.result is Result.PASS:
            delta = partial(preflight.check_delta, layout, bundles[0])
            yield guarded("table", "choose another --output", delta)
        if listed is not None and listed.count:
            for found in _timed(args, bundles[0], listed):
                needed = max(needed, getattr(found, "disk_bytes", 0.0))
                if hasattr(found, "memory_bytes"):
                    yield preflight.check_memory(found.memory_bytes)
                yield found
    yield guarded("space", "make room", lambda: preflight.check_space(layout, needed))


def _timed(args: argparse.Namespace, bundle: Any, listed: Any) -> Iterator[Any]:
    """Decodes the sample, scores batches of it, and forecasts a night from both."""
    from melanoma import storage
    from melanoma.operations import preflight
    from melanoma.operations.forecast import forecast
    from melanoma.operations.preflight import Check, Result, guarded

    loaded, pixels = preflight.decode_sample(listed, bundle)
    yield preflight.check_decoding(loaded)
    seconds: list[float] = []

    def scoring() -> Check:
        with logs.native_silence():
            from melanoma.model.engine import load_engine

            engine = load_engine(bundle, args.batch_size)
        batch = pixels[: args.batch_size]
        for _ in range(3):
            began = time.perf_counter()
            engine.score(batch)
            seconds.append((time.perf_counter() - began) / args.batch_size)
        best = min(seconds)
        return Check(
            "network", Result.PASS, f"golden answers are right; {1 / best:,.0f} photographs a second in full batches"
        )

    if len(pixels):
        yield guarded("network", "melanoma bundle verify says more", scoring)
    if seconds:
        batch_bytes = args.batch_size * pixels[0].nbytes
        is_local = storage.local_path(listed.refs[0].stored.uri) is not None
        yield forecast(listed.count, loaded, min(seconds), batch_bytes, is_local)


def _say(check: "Check") -> None:
    print(printable(f"{check.result.upper():<6}{check.name:<14}{check.found}"), flush=True)
    if check.remedy and check.result != "pass":
        print(f"{'':<20}remedy: {check.remedy}", flush=True)


def _forecast(found: "Forecast") -> str:
    hours, rest = divmod(round(found.seconds), 3600)
    took = f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"
    return (
        f"Forecast for {found.photographs:,} photographs with nothing scored yet: {took} at {found.rate:,.0f} a "
        f"second, waiting for {found.waits_for};\n  output about {found.output_bytes / 1e6:,.1f} MB, memory about "
        f"{found.memory_bytes / 1e9:,.1f} GB. A forecast, not a promise."
    )
