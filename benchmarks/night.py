"""Runs `melanoma score` over a whole folder and reports its speed and memory.

Usage: `python benchmarks/night.py IMAGES BUNDLE`
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """Cost of a whole process, including start-up and imports.

    Attributes:
        seconds: Wall time.
        cpu_seconds: User and system time of all its threads.
        peak_bytes: Largest resident set.
        output: Its standard output.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def measure(command: Sequence[str]) -> Measured:
    """Runs a command to its end.

    Args:
        command: Program and arguments.

    Raises:
        SystemExit: It failed; the message has its standard error.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            message = errors.read().decode(errors="replace").strip()
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{message}")
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Measured(seconds, cpu_seconds, usage.ru_maxrss * 1024, output.read().decode(errors="replace"))


def score_command(images: str, bundle: str, output: str | Path) -> list[str]:
    """Returns the command of the nightly job with only the required options."""
    arguments = ["score", "--images", images, "--bundle", bundle, "--output", str(output)]
    return [sys.executable, "-m", "jobs.cli", *arguments]


def counts_of(output: Path) -> dict[str, int]:
    """Reads the counts of the last run from its record beside a local score table."""
    records = sorted((output / "_reports").glob("*.json"))
    counts: dict[str, int] = json.loads(records[-1].read_bytes())["counts"]
    return counts


def main() -> None:
    """Scores the folder, then prints the figures."""
    parser = argparse.ArgumentParser(
        description="Scores a whole folder once and prints how long it took and how much memory it needed."
    )
    parser.add_argument("images", metavar="IMAGES", help="folder of photographs, in any store")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the model bundle")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        command = score_command(args.images, args.bundle, Path(folder) / "scores")
        run = measure([*command, "--max-failed", "1"])  # any number of failed photographs is accepted here
        counts = counts_of(Path(folder) / "scores")
    rows = counts["scored"] + counts["failed"]
    print(f"rows         {rows:,}")
    print(f"counts       {', '.join(f'{number:,} {name}' for name, number in counts.items())}")
    print(f"rate         {rows / run.seconds:.0f} images/s, start-up included")
    print(f"wall         {run.seconds:.1f} s on {os.cpu_count()} cores")
    print(f"CPU          {run.cpu_seconds:.1f} s, summed over cores")
    print(f"peak memory  {run.peak_bytes / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
