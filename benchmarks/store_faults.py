"""Runs `melanoma score` against stores that fail in every way, and says how long each run took and how it ended.

Photographs lie in a small store of our own that speaks S3, Google Cloud Storage and Azure Blob Storage, tables in the
S3 server of moto behind a proxy. Both fail on purpose. Each run is a whole command, its start included.

Usage: `python -m benchmarks.store_faults [--object-timeout 5s] [--only PATTERN] [--json FILE.json]`
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import s3fs

from benchmarks.store_fault_cases import Case, cases
from tests.helpers import photograph
from tests.helpers.fault_proxy import fault_proxy
from tests.helpers.s3_process import s3_process, s3_variables
from tests.helpers.small_answers import BUCKET
from tests.helpers.small_store import small_store, store_variables

_BUNDLE = "bundles/isic9-assignment-cnn"


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        name: Of the case.
        seconds: Wall time.
        limit: What it may take.
        code: Exit code.
        last_line: What it said last on standard error.
        is_right: Whether time and exit code are as they should be.
    """

    name: str
    seconds: float
    limit: float
    code: int
    last_line: str
    is_right: bool


@contextlib.contextmanager
def _places(case: Case, folder: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yields where the photographs and the output of a case lie, and the environment that leads there."""
    pictures = [photograph(number) for number in range(4)]
    files = {f"in/ISIC_{number:05}.jpg": pictures[number % 4] for number in range(case.photographs)}
    if case.protocol:
        with small_store(files) as store:
            store.fault = case.fault if callable(case.fault) else store.fault
            yield (
                f"{case.protocol}://{BUCKET}/in",
                str(folder / "out"),
                {**os.environ, **store_variables(store.address)},
            )
        return
    (folder / "in").mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with s3_process() as endpoint, s3_variables(endpoint), fault_proxy(endpoint) as proxy:
        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("results")

        def begin(request: str) -> None:
            if re.search(case.match, request):
                proxy.fault = str(case.fault)

        proxy.before = begin
        yield str(folder / "in"), "s3://results/out", {**os.environ, "AWS_ENDPOINT_URL": proxy.address}


def run(case: Case, object_timeout: str) -> Ended:
    """Runs a case."""
    limit = case.limit(_seconds(object_timeout))
    with tempfile.TemporaryDirectory(prefix="store-faults-") as folder, _places(case, Path(folder)) as places:
        images, output, environment = places
        command = [sys.executable, "-m", "jobs.cli", "score", "--images", images, "--bundle", _BUNDLE]
        command += ["--output", output, "--object-timeout", object_timeout, *case.flags]
        began = time.monotonic()
        try:
            ended = subprocess.run(
                command,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=2 * limit,
                check=False,
            )
            code, said = ended.returncode, ended.stderr.strip()
        except subprocess.TimeoutExpired:
            code, said = -1, "did not end"
        seconds = time.monotonic() - began
    return Ended(
        case.name, round(seconds, 1), limit, code, said.rpartition("\n")[2], code in case.codes and seconds <= limit
    )


def _seconds(text: str) -> float:
    return float(text.removesuffix("s")) if text.endswith("s") else 60 * float(text.removesuffix("m"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the cases; returns 1 if one took too long or ended wrongly."""
    parser = argparse.ArgumentParser(description="Runs the nightly job against stores that fail.")
    parser.add_argument("--object-timeout", default="60s", metavar="TIME", help="for each object (default: 60s)")
    parser.add_argument("--only", default=".", metavar="PATTERN", help="regular expression of names (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    args = parser.parse_args(arguments)
    results = []
    for case in cases():
        if re.search(args.only, case.name):
            results.append(run(case, args.object_timeout))
            ended = results[-1]
            mark = "" if ended.is_right else "   WRONG"
            print(
                f"{ended.name:34} {ended.seconds:6.1f} s of {ended.limit:.0f}, exit code {ended.code}{mark}", flush=True
            )
            print(f"    {ended.last_line[:160]}", flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(ended) for ended in results], indent=1) + "\n")
    return 0 if all(ended.is_right for ended in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
